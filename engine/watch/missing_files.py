"""Missing files: what was removed from the home while it is in use.

What answers has its files mapped or read, so whoever searches notices nothing: only a restart
would. So they are looked for now and then; none is opened.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from molt.artifact import ArtifactError
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST, Checkpoint, read_checkpoint
from molt.encoder.errors import EncoderError
from molt.engine.live.live_collections import LiveCollections
from molt.index.catalog.catalog import Catalog
from molt.index.errors import CatalogError, CollectionNotFoundError, GenerationError
from molt.index.generations.generation import SEGMENTS, GenerationManifest, GenerationStore

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
_AGAIN = "add the checkpoint again with `molt checkpoints add`"
_ANEW = "re-index, or start Molt again, which encodes it anew"


@dataclass(frozen=True)
class _Serving:
    """A checkpoint or a generation that serves: its files, whether it is the one on disk."""

    folder: Path
    names: tuple[str, ...]
    is_current: Callable[[], bool]
    advice: str

    def problem(self) -> str | None:
        """Which of its files are not there, in words; None where another took its place."""
        gone = [name for name in self.names if not (self.folder / name).exists()]
        if not gone or not self.is_current():
            return None
        others = f" and {len(gone) - 1} more were" if gone[1:] else " was"
        return (
            f"{self.folder / gone[0]}{others} removed; what serves is in memory, and would not "
            f"serve after a restart: put back what is missing, or {self.advice}"
        )


class MissingFiles:
    """What a restart would miss, as of the last look: at the catalog each time, else once a minute.

    A file that another took the place of, by a merge or an upgrade, is not missed.
    """

    def __init__(
        self,
        catalog: Catalog,
        generations: GenerationStore,
        live_collections: LiveCollections,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._live_collections = live_collections
        self._clock = clock
        self._due = -math.inf
        self._of_catalog: tuple[str, ...] = ()
        self._of_what_serves: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """In words."""
        return self._of_catalog + self._of_what_serves

    def look(self) -> None:
        """Look for what is due."""
        before = self.problems
        self._of_catalog = tuple(self._catalog_problems())
        now = self._clock()
        if now >= self._due:
            self._due = now + LOOK_SECONDS
            found = {one.folder: one for one in self._serving()}.values()
            problems = (one.problem() for one in found)
            self._of_what_serves = tuple(problem for problem in problems if problem is not None)
        for problem in self.problems:
            if problem not in before:
                log.error("files.missing", reason=problem)

    def _catalog_problems(self) -> Iterator[str]:
        try:
            self._catalog.database.require_in_place()
        except (CatalogError, OSError) as error:
            yield str(error)

    def _serving(self) -> Iterator[_Serving]:
        for collection in self._catalog.collections.list():
            if not self._live_collections.holds(collection.name):
                continue
            with suppress(CollectionNotFoundError):  # it was deleted meanwhile
                live = self._live_collections.known(collection.name).live
                if live is not None:
                    yield _checkpoint(live.encoder.checkpoint)
                if live is not None and live.snapshot is not None:
                    yield _generation(self._generations, live.snapshot.manifest)


def _checkpoint(serving: Checkpoint) -> _Serving:
    def is_current() -> bool:
        try:
            return read_checkpoint(serving.path).files == serving.files
        except (ArtifactError, EncoderError):
            return True  # its manifest is what is missing

    names = (CHECKPOINT_MANIFEST, *serving.files) if serving.files else ()
    return _Serving(serving.path, names, is_current, _AGAIN)


def _generation(store: GenerationStore, serving: GenerationManifest) -> _Serving:
    def is_current() -> bool:
        try:
            return store.read(serving.id) == serving
        except (ArtifactError, GenerationError):
            return False  # which is told by who follows it

    names = tuple(
        f"{SEGMENTS}/{segment.id}/{name}" for segment in serving.segments for name in segment.files
    )
    return _Serving(store.root / serving.id, names, is_current, _ANEW)
