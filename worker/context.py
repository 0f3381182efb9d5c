"""The context of jobs: what every job of a home works with. Does nothing by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from molt.artifact import Home
from molt.encoder import CheckpointStore
from molt.engine.settings import Settings
from molt.index.catalog.catalog import Catalog
from molt.index.errors import CollectionNotFoundError
from molt.index.generations.active import active_checkpoint
from molt.index.generations.generation import GenerationStore
from molt.training.errors import TrainingError


@dataclass(frozen=True)
class JobContext:
    """A home opened for work."""

    settings: Settings
    catalog: Catalog
    generations: GenerationStore = field(init=False)
    checkpoints: CheckpointStore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "generations", GenerationStore(self.home.generations))
        object.__setattr__(self, "checkpoints", CheckpointStore(self.home.checkpoints))

    @property
    def home(self) -> Home:
        """Where everything lies."""
        return self.settings.layout

    def active(self, collection: str) -> str:
        """The id of the checkpoint that serves a collection. Raises `TrainingError` for none."""
        active = active_checkpoint(self.catalog, self.generations, collection)
        if active is None:
            raise TrainingError("the home has no checkpoint; `molt checkpoints add PATH` makes one")
        return active

    def require(self, arguments: Mapping[str, Any]) -> None:
        """See that the collection of a job is the one that it was asked for.

        Raises `CollectionNotFoundError` where it has been deleted, though another has its name.
        """
        name, wanted = arguments["collection"], arguments.get("collection_id")
        if name is None or wanted is None:
            return
        if self.catalog.collections.get(name).id != wanted:
            raise CollectionNotFoundError(
                f"the collection {name!r} that this job was asked for has been deleted; the one "
                "that has its name now was not touched: ask again, if it is meant"
            )

    def job_folder(self, job_id: str) -> Path:
        """Where a job keeps what it needs to go on after a kill."""
        return self.home.job_folder(job_id)
