"""The workshop: what every job of a home works with. Does nothing by itself."""

from dataclasses import dataclass, field
from pathlib import Path

from molt.encoder import CheckpointStore
from molt.index.catalog.catalog import Catalog
from molt.index.generations.active import active_checkpoint
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import jobs_folder
from molt.training.errors import TrainingError


@dataclass(frozen=True)
class Orders:
    """What an operator wants of the worker.

    `threads` encode, as many as there are cores for 0. A promoted generation is watched for
    `watch_seconds` before its job ends.
    """

    home: Path
    catalog_url: str
    jobs_url: str
    runtime: str = "auto"
    threads: int = 0
    batch_documents: int = 1024
    watch_seconds: float = 0.0
    niceness: int = 10


@dataclass(frozen=True)
class Workshop:
    """A home opened for work."""

    orders: Orders
    catalog: Catalog
    generations: GenerationStore = field(init=False)
    checkpoints: CheckpointStore = field(init=False)

    def __post_init__(self) -> None:
        home = self.orders.home
        object.__setattr__(self, "generations", GenerationStore(home / "generations"))
        object.__setattr__(self, "checkpoints", CheckpointStore(home / "checkpoints"))

    @property
    def cache(self) -> Path:
        """What may be deleted at any time."""
        return self.orders.home / "cache"

    def active(self, collection: str) -> str:
        """The id of the checkpoint that serves a collection. Raises `TrainingError` for none."""
        active = active_checkpoint(self.catalog, self.generations, collection)
        if active is None:
            raise TrainingError("the home has no checkpoint; `molt checkpoints add PATH` makes one")
        return active

    def job_folder(self, job_id: str) -> Path:
        """Where a job keeps what it needs to go on after a kill."""
        return jobs_folder(self.orders.home) / job_id
