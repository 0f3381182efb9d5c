"""How checkpoints are described to a program: alike by the command line and over HTTP."""

from dataclasses import asdict
from typing import Any

from molt.encoder.checkpoint import Checkpoint
from molt.encoder.selection import describe_choice
from molt.encoder.store import CheckpointStore
from molt.engine.settings import Settings
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog


class CheckpointDescriptions:
    """Descriptions of the checkpoints of a home, with what its catalog says of them by now."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._default = catalog.aliases.get(DEFAULT)
        self._names = catalog.names.all()
        self._settings = settings

    def describe(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """What its manifest says, what it is called, and which variant serves here and why."""
        choice = describe_choice(
            checkpoint,
            cache=self._settings.layout.cache,
            wanted=self._settings.encoder.runtime,
        )
        return self._head(checkpoint.id) | {
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
            "serves": asdict(choice),
            "variants": checkpoint.variants,
            "training": checkpoint.training,
            "metrics": checkpoint.metrics,
        }

    def describe_all(self, store: CheckpointStore) -> list[dict[str, Any]]:
        """All of a store, oldest first; last those that cannot be read, with their `problem`."""
        survey = store.survey()
        damaged = (
            self._head(checkpoint_id) | {"problem": problem}
            for checkpoint_id, problem in survey.problems.items()
        )
        return [*map(self.describe, survey.checkpoints), *damaged]

    def _head(self, checkpoint_id: str) -> dict[str, Any]:
        return {
            "id": checkpoint_id,
            "name": self._names.get(checkpoint_id),
            "default": checkpoint_id == self._default,
        }
