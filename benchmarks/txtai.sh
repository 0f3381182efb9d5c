#!/bin/sh
# Installs a peer of `benchmarks.hybrid`: txtai, in a virtual environment of its own.
#
#     sh benchmarks/txtai.sh [VENV]         (default: /tmp/txtai-venv)
#
# torch comes first and only as its CPU build, as in `infinity.sh`.
set -eu
venv=${1:-/tmp/txtai-venv}
python=${PYTHON:-python3.11}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet "torch==2.13.0+cpu"
"$venv/bin/pip" install --quiet "torch==2.13.0+cpu" "txtai[api]==9.14.0" onnxruntime tokenizers
"$venv/bin/python" -c "import txtai.api"
echo "ready: $venv"
