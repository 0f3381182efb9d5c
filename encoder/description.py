"""How checkpoints are described to a program: alike by the command line and over HTTP."""

from typing import Any

from molt.encoder.checkpoint import Checkpoint
from molt.encoder.store import CheckpointStore


def describe_checkpoint(checkpoint: Checkpoint, *, default: str | None) -> dict[str, Any]:
    """What its manifest says, and whether it is the one of id `default`."""
    return {
        "id": checkpoint.id,
        "default": checkpoint.id == default,
        "kind": checkpoint.kind,
        "capabilities": checkpoint.capabilities,
        "base_model": checkpoint.base_model,
        "parent": checkpoint.parent,
        "created_at": checkpoint.created_at,
        "dimension": checkpoint.dimension,
        "max_length": checkpoint.max_length,
        "pooling": checkpoint.pooling,
        "prompts": checkpoint.prompts,
        "bytes": checkpoint.size,
        "variants": checkpoint.variants,
        "training": checkpoint.training,
        "metrics": checkpoint.metrics,
    }


def describe_checkpoints(store: CheckpointStore, *, default: str | None) -> list[dict[str, Any]]:
    """All of a store, oldest first; last come those that cannot be read, with their `problem`."""
    survey = store.survey()
    described = [describe_checkpoint(each, default=default) for each in survey.checkpoints]
    return described + [
        {"id": checkpoint_id, "default": checkpoint_id == default, "problem": problem}
        for checkpoint_id, problem in survey.problems.items()
    ]
