"""Writes golden checkpoints, once for each format; what was committed is never rewritten.

    python -m tests.golden.make_checkpoint tests/golden/checkpoint-FORMAT

One is a bi-encoder, the other a static embedding. Both know letters, and a text has the mean of
their rows.
"""

import sys
from dataclasses import replace
from pathlib import Path

from molt.encoder import Checkpoint, ModelKind, Prompts
from tests.checkpoints import DIMENSION, build_checkpoint, modules, seal, write_json


def write_golden(root: Path) -> None:
    build_checkpoint(root, prompts=Prompts(query="ask: "))
    make_static(build_checkpoint(root))


def make_static(checkpoint: Checkpoint) -> Checkpoint:
    """The same as a static embedding, in its place."""
    write_json(
        checkpoint.path / "config.json", {"model_type": "model2vec", "hidden_dim": DIMENSION}
    )
    entries = modules("StaticEmbedding", "Normalize")
    write_json(checkpoint.path / "modules.json", [entries[0], entries[1] | {"path": "1_Normalize"}])
    sealed = seal(replace(checkpoint, base_model="static", kind=ModelKind.STATIC))
    return replace(sealed, path=checkpoint.path.rename(checkpoint.path.with_name(sealed.id)))


if __name__ == "__main__":
    write_golden(Path(sys.argv[1]))
