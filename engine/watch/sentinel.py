"""The sentinel: watches each new generation for a while, and takes back one that serves worse.

It knows the searches of its own process. With several, each judges by what it saw, and the first
to find something wrong moves the pointer for all.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from molt.artifact import ArtifactError, panics_contained
from molt.encoder.errors import EncoderError
from molt.encoder.safety.deadline import told_when_abandoned
from molt.engine.errors import (
    CrossEncoderUnavailableError,
    EncodersBusyError,
    NoCrossEncoderError,
)
from molt.engine.live.pair import Live
from molt.engine.releasing import Releaser
from molt.engine.sections import WatchSettings
from molt.engine.watch.worsening import Sample, Share, worsening
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.releases import Reason, Release
from molt.index.errors import (
    CollectionNotFoundError,
    FilterError,
    GenerationBusyError,
    IndexingError,
)

log = structlog.get_logger(__name__)

ACTOR = "watch"
_REMEMBERED = 5000
_LOOKED_AT = 100
_ASKED_FOR = FilterError, NoCrossEncoderError, CrossEncoderUnavailableError, EncodersBusyError
"""What comes of what a search asks for, whatever serves."""
_LOOK_SECONDS = 1.0


@dataclass
class _Searches:
    """The latest searches of one generation: seconds each, and None where it failed."""

    latest: deque[float | None] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def sample(self, clicked: Share) -> Sample:
        seen = list(self.latest)
        seconds = [one for one in seen if one is not None]
        return Sample(seconds, len(seen) - len(seconds), clicked)


@dataclass
class _Guarded:
    """A collection since its pointer was last moved; `release` is that move while it is watched."""

    collection: Collection
    before: _Searches
    release: Release | None
    now: _Searches = field(default_factory=_Searches)

    def moved(self, now: Collection) -> bool:
        """Has the pointer been moved since, or the collection made anew?"""
        return (now.id, now.epoch) != (self.collection.id, self.collection.epoch)


class Sentinel:
    """Notes searches, and looks now and then whether a watched generation has to go.

    `on_rollback` is called with the collection's name after one has gone.
    """

    def __init__(self, settings: WatchSettings, *, catalog: Catalog, releaser: Releaser) -> None:
        self._settings = settings
        self._catalog = catalog
        self._releaser = releaser
        self._guarded: dict[int, _Guarded] = {}
        self._lock = threading.Lock()
        self._due = 0.0
        self._version: Hashable = None
        self.on_rollback: Callable[[str], None] = _unnoticed

    @contextmanager
    def noting(self, live: Live) -> Iterator[None]:
        """Note how long the search in the block takes and whether it fails by our fault.

        One that does not end has failed when it is given up.
        """
        searches = self._searches(live.collection)
        began = time.perf_counter()
        try:
            with (
                told_when_abandoned(partial(searches.latest.append, None)),
                panics_contained(),
            ):
                yield
        except _ASKED_FOR:
            raise
        except Exception:
            searches.latest.append(None)
            raise
        searches.latest.append(time.perf_counter() - began)

    def look(self) -> None:
        """Take back every watched generation that serves worse than the one before."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _LOOK_SECONDS
        version = self._catalog.database.version()
        if version == self._version and not any(
            guarded.release for guarded in list(self._guarded.values())
        ):
            return
        self._version = version
        living = {collection.id for collection in self._catalog.collections.list()}
        for collection_id, guarded in list(self._guarded.items()):
            if collection_id not in living:
                del self._guarded[collection_id]
                continue
            try:
                with panics_contained():
                    self._look_at(guarded)
            except CollectionNotFoundError:
                continue  # it was deleted just now
            except Exception:  # of one collection: the others are looked at all the same
                log.exception("watch.failed", collection=guarded.collection.name)

    def _look_at(self, guarded: _Guarded) -> None:
        release = guarded.release
        if release is None:
            return
        name = guarded.collection.name
        if self._is_over(release):
            guarded.release = None
            log.info("watch.ended", collection=name, generation=release.generation)
            return
        found = worsening(*self._samples(guarded, release), self._settings)
        if found is not None:
            self._take_back(guarded, release, found)

    def _is_over(self, release: Release) -> bool:
        return datetime.now(UTC) > release.at + timedelta(seconds=self._settings.seconds)

    def _samples(self, guarded: _Guarded, release: Release) -> tuple[Sample, Sample]:
        window = timedelta(seconds=self._settings.seconds)
        clicked = self._catalog.events.clicked
        shares = (
            Share(*clicked(guarded.collection, since=since, until=since + window))
            for since in (release.at - window, release.at)
        )
        return guarded.before.sample(next(shares)), guarded.now.sample(next(shares))

    def _take_back(self, guarded: _Guarded, release: Release, why: str) -> None:
        name, previous = guarded.collection.name, str(release.previous)
        guarded.release = None
        if guarded.moved(self._catalog.collections.get(name)):
            return  # somebody was faster
        log.error("watch.rolling_back", collection=name, generation=release.generation, reason=why)
        try:
            self._releaser.activate(
                previous,
                reason=Reason(ACTOR, f"rolled back: {why}"),
                epoch_expected=release.epoch,
            )
        except GenerationBusyError as error:
            guarded.release = release  # the next look tries again
            log.warning("watch.waiting", collection=name, reason=str(error))
        except (IndexingError, ArtifactError, EncoderError, OSError) as error:
            log.error("watch.failed", collection=name, reason=str(error))  # noqa: TRY400
        else:
            self.on_rollback(name)

    def _searches(self, collection: Collection) -> _Searches:
        """Where to note a search of a collection as it was when the search read it."""
        guarded = self._guarded.get(collection.id)
        if guarded is None or guarded.collection.epoch < collection.epoch:
            guarded = self._moved_on(collection)
        return guarded.now if guarded.collection.epoch == collection.epoch else guarded.before

    def _moved_on(self, collection: Collection) -> _Guarded:
        release = self._watched(collection)  # no search waits while another asks the catalog
        with self._lock:
            former = self._guarded.get(collection.id)
            if former is not None and former.collection.epoch >= collection.epoch:
                return former
            before = _Searches() if former is None else former.now
            guarded = _Guarded(collection, before, release)
            self._guarded[collection.id] = guarded
            return guarded

    def _watched(self, collection: Collection) -> Release | None:
        """The move that made this epoch, where it released a generation for the first time."""
        moves = self._catalog.collections.releases(collection.name, limit=_LOOKED_AT)
        made = next((move for move in moves if move.epoch == collection.epoch), None)
        if made is None or made.previous is None or self._is_over(made):
            return None
        earlier = (move for move in moves if move.epoch < made.epoch)
        seen = any(made.generation in {move.generation, move.previous} for move in earlier)
        return None if seen else made


def _unnoticed(name: str) -> None:
    """What becomes of a rollback that nobody counts."""
