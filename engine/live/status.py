"""Status: what is told of a collection and of the service, to whoever asks how they are."""

from dataclasses import dataclass

from molt.engine.live.live_collection import LiveState
from molt.index.catalog.collection import Collection
from molt.index.generations.generation import Quarantined


@dataclass(frozen=True)
class CollectionStatus:
    """A collection, how far its index has come in this process, and what keeps it from more.

    Where it `answers` although what its pointer names is loaded or refused, it does so by what was
    served before. Documents in `quarantined` are kept, and found by no search.
    """

    collection: Collection
    indexed_revision: int
    checkpoint: str | None
    state: LiveState
    problem: str | None
    answers: bool
    quarantined: tuple[Quarantined, ...] = ()


@dataclass(frozen=True)
class Readiness:
    """May traffic be sent here, and what is wrong."""

    ready: bool
    problems: tuple[str, ...]
