#!/bin/sh
# Installs the peer of `benchmarks.embeddings`: Infinity, in a virtual environment of its own.
#
#     sh benchmarks/infinity.sh [VENV]         (default: /tmp/infinity-venv)
#
# torch comes first and only as its CPU build: `+cpu` never matches a build that brings CUDA.
# Where the configured index has none, add PyTorch's own:
#     PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu sh benchmarks/infinity.sh
# The other pins are what infinity-emb 0.0.78 works with: transformers 5 and click 8.2 break it.
set -eu
venv=${1:-/tmp/infinity-venv}
python=${PYTHON:-python3.11}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet "torch==2.13.0+cpu"
"$venv/bin/pip" install --quiet \
    "torch==2.13.0+cpu" \
    "infinity-emb[server,torch,optimum]==0.0.78" \
    "transformers==4.57.6" \
    "sentence-transformers==3.4.1" \
    "optimum==2.1.0" \
    "typer==0.12.5" \
    "click==8.1.8"
"$venv/bin/python" - <<'CHECK'
import torch

if torch.version.cuda is not None:
    raise SystemExit("torch brought CUDA: remove the environment and use the CPU index")
CHECK
"$venv/bin/infinity_emb" v2 --help >/dev/null
echo "ready: $venv/bin/infinity_emb"
