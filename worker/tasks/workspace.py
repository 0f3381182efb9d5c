"""The workspace: a home as the tasks use it. Opens nothing before it is asked for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from molt.artifact import Home
from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.generations.active import active_checkpoint
from molt.index.generations.generation import GenerationStore
from molt.training.errors import TrainingError
from molt.training.uses import using_checkpoints


@dataclass(frozen=True)
class Workspace:
    """A home, and the catalog to read: its own unless another is named."""

    home: Home
    catalog_url: str | None = None

    @property
    def checkpoints(self) -> CheckpointStore:
        """The checkpoints of the home."""
        return CheckpointStore(self.home.checkpoints)

    @property
    def reports(self) -> Path:
        """Where reports are published."""
        return self.home.reports

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        """The catalog, for as long as the block lasts."""
        with closing(open_catalog(self.catalog_url or home_url(self.home.root))) as catalog:
            yield catalog

    def using(self, *checkpoint_ids: str | None) -> AbstractContextManager[None]:
        """Let nobody prune these checkpoints for as long as the block lasts."""
        return using_checkpoints(self.home.runs, checkpoint_ids)

    def active(self, collection: str) -> str | None:
        """The id of the checkpoint that serves a collection, if any can."""
        with self.catalog() as catalog:
            generations = GenerationStore(self.home.generations)
            return active_checkpoint(catalog, generations, collection)

    def base(self, collection: str, *, wanted: str | None) -> Checkpoint:
        """The checkpoint `wanted`, or else what the collection is served with, verified.

        Raises `TrainingError` where no checkpoint is named and none is active.
        """
        known = wanted or self.active(collection)
        if known is None:
            raise TrainingError("the home has no default checkpoint; name one with --base")
        return self.checkpoints.open(known)
