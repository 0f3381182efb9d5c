"""Live collections: what answers each of them right now.

Memory follows disk and never the other way. What takes long is done by the loader, so that no
collection waits for another; what may be served, and what not, each decides by itself. A request
reads its `Live` once.
"""

import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog

from molt.encoder.encoder import Encoder
from molt.engine.encoders import Encoders
from molt.engine.errors import NoCheckpointError
from molt.engine.live.live_collection import EXPECTED, LiveCollection
from molt.engine.live.loader import Loader
from molt.engine.live.pair import Live, Pairs, default_checkpoint
from molt.engine.refusal import LONGEST_REST
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.curations import SearchDefaults
from molt.index.errors import CollectionNotFoundError
from molt.index.generations.generation import GenerationStore, Quarantined
from molt.index.generations.protocols import SearchableGeneration
from molt.index.lexical.commit import LexicalStore
from molt.index.selection.expiring import Clock, wall_clock

if TYPE_CHECKING:
    from molt.index.catalog.failures import JobFailure

log = structlog.get_logger(__name__)

T = TypeVar("T")

_NO_DEFAULTS = SearchDefaults()
_PATIENCE = 10.0
"""Seconds that a request waits for a collection that is being loaded."""


class LiveCollections:
    """One `Live` per collection, and for a collection that cannot be served the reason."""

    def __init__(  # noqa: PLR0913  each by name
        self,
        *,
        catalog: Catalog,
        generations: GenerationStore,
        lexical: LexicalStore,
        encoders: Encoders,
        poll_seconds: float = 0.5,
        clock: Clock = wall_clock,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._encoders = encoders
        self.pairs = Pairs(
            catalog=catalog, generations=generations, lexical=lexical, encoders=encoders
        )
        self._first_rest = min(poll_seconds, LONGEST_REST)
        self._loader = Loader()
        self._collections: dict[str, LiveCollection] = {}
        self._rows: dict[str, Collection] = {}
        self._version: Hashable = None
        self._default: str | None = None
        self.aliases: Mapping[str, str] = {}
        self._search_defaults: Mapping[int, SearchDefaults] | None = None
        self._unexpected: dict[str, str] = {}
        self._refreshed = threading.Condition()
        self.default_problem: str | None = None
        self.failures: tuple[JobFailure, ...] = ()

    def get(self, name: str) -> Live:
        """What answers now; where nothing does yet, it is waited for, though not for ever.

        Documents that have expired are not in it. Raises `CollectionNotFoundError`, and at once
        `UnavailableError` for what is refused.
        """
        found = self._collections.get(name) or self._met(name)
        if found.live is None and found.refusal is None:
            _wait(self._now(name))
        return found.answering().at(self._clock)

    def holds(self, name: str) -> bool:
        """Is there a collection of this name, as far as is known without asking the catalog?"""
        return name in self._collections

    def known(self, name: str) -> LiveCollection:
        """A collection as it is, waited for only where it was not heard of before.

        Raises `CollectionNotFoundError`.
        """
        found = self._collections.get(name)
        if found is None:
            found = self._met(name)
            _wait(self._now(name))
        return found

    @property
    def default_id(self) -> str | None:
        """What `default` would be, where that is known without asking the catalog."""
        return self._default

    def default(self) -> Encoder:
        """What the alias `default` named when the disk was last looked at.

        Raises `NoCheckpointError`, or what opening the checkpoint raises.
        """
        if self._default is None:
            self._default = default_checkpoint(self._catalog)
        return self._encoders.get(self._default)

    def read_aliases(self) -> None:
        """Know what the catalog's aliases stand for now; `aliases` are all but `default`.

        What people call a checkpoint is one, too, where no alias has that name.
        """
        found = self._catalog.aliases.all()
        self._default = found.pop(DEFAULT, None)
        self.aliases = self._catalog.names.by_name() | found

    def read_search_defaults(self) -> None:
        """Know what the searches of each collection now do where they say nothing of it."""
        self._search_defaults = self._catalog.curations.defaults()

    def search_defaults(self, collection: Collection) -> SearchDefaults:
        """What the searches of a collection do, as far as memory tells."""
        if self._search_defaults is None:
            self.read_search_defaults()
        return (self._search_defaults or {}).get(collection.id, _NO_DEFAULTS)

    def check_default(self) -> None:
        """Open what `default` names; that it is damaged is no reason not to serve the others.

        Raises `NoCheckpointError`.
        """
        try:
            self.default()
        except NoCheckpointError:
            raise
        except Exception as error:  # noqa: BLE001  one checkpoint keeps no other from serving
            problem = f"default checkpoint {self._default}: {error}"
            if problem != self.default_problem:
                tell = log.error if isinstance(error, EXPECTED) else log.exception
                tell("checkpoint.refused", checkpoint=self._default, reason=str(error))
            self.default_problem = problem
        else:
            self.default_problem = None

    def refresh(self, name: str, *, opened: SearchableGeneration | None = None) -> Live:
        """Make memory equal disk, however long it takes; the former `Live` answers meanwhile.

        It also stays where what is to be served cannot be loaded. `opened` is taken, brought up to
        date, where it is of the generation to be served: its files need not be verified again.
        Raises `CollectionNotFoundError`, and `UnavailableError` where there is no former one.
        """
        self._load(name, opened)
        return self._met(name).answering()

    def follow(self, name: str, *, opened: SearchableGeneration | None = None) -> None:
        """Make memory equal disk where that is quick; what is not is left to the loader.

        `opened` is what this process has written. Raises `CollectionNotFoundError`.
        """
        if not self._told(name, partial(self._met(name).follow, opened)):
            self._soon(name)

    def look(self) -> list[Future[None]]:
        """Notice what changed on disk; returns what is left to the loader.

        One statement where nothing has, and no file is read.
        """
        version = self._catalog.database.version()
        if version != self._version:
            self._read_catalog()
            self._version = version
        if self.default_problem is not None:
            self._loader.soon("the default checkpoint", self.check_default)
        lives = [one.live for one in self._collections.copy().values()]
        self._encoders.keep({live.encoder.checkpoint.id for live in lives if live})
        left = [self._look_at(name, row) for name, row in self._rows.items()]
        return [loading for loading in left if loading is not None]

    def refresh_changed(self) -> None:
        """Refresh every collection whose pointer, generation or documents changed on disk."""
        wait(self.look())  # what came of each is told by the collection itself

    def problems(self) -> dict[str, str]:
        """Collection name to why its current generation or checkpoint is not served."""
        every = self._collections.copy().items()
        return {name: problem for name, one in every if (problem := one.problem) is not None}

    def can_answer(self) -> bool:
        """Is there a collection that answers, or none at all that could be asked?"""
        every = self._collections.copy().values()
        return not every or any(one.live is not None for one in every)

    def wait_indexed(self, name: str, *, revision: int, timeout: float) -> bool:
        """Wait until changes up to `revision` can be searched; False after `timeout` seconds."""
        with self._refreshed:
            return self._refreshed.wait_for(
                lambda: self.is_indexed(name, revision=revision), timeout
            )

    def is_indexed(self, name: str, *, revision: int) -> bool:
        """May changes up to `revision` be searched?"""
        live = self.served(name)
        return live is not None and live.indexed_revision >= revision

    def served(self, name: str) -> Live | None:
        """What answers a collection, where something does; waits for nothing."""
        found = self._collections.get(name)
        return None if found is None else found.live

    def encoder_of(self, name: str) -> Encoder | None:
        """What a collection is served with, where something answers; waits for nothing."""
        live = self.served(name)
        return None if live is None else live.encoder

    def quarantined(self, name: str) -> tuple[Quarantined, ...]:
        """Documents that are kept and cannot be searched; none where nothing answers yet."""
        live = self.served(name)
        return () if live is None else live.quarantined

    def close(self) -> None:
        """Finish what is being loaded."""
        self._loader.close()

    def _met(self, name: str) -> LiveCollection:
        """The one of this name, which the catalog has. Raises `CollectionNotFoundError`."""
        found = self._collections.get(name)
        if found is None:
            self._catalog.collections.get(name)
            made = LiveCollection(
                name, catalog=self._catalog, pairs=self.pairs, first_rest=self._first_rest
            )
            found = self._collections.setdefault(name, made)
        return found

    def _read_catalog(self) -> None:
        self.read_aliases()
        self.read_search_defaults()
        self.failures = self._catalog.failures.list()
        self._rows = {found.name: found for found in self._catalog.collections.list()}
        for name in self._collections.keys() - self._rows.keys():
            self._drop(name)

    def _look_at(self, name: str, row: Collection) -> Future[None] | None:
        """Refresh a collection where that is quick; else what the loader does. Raises nothing."""
        try:
            found = self._met(name)
            settled = found.is_settled(row, default=self._default)
            left = not (settled or self._told(name, found.follow))
        except CollectionNotFoundError:
            return None
        except Exception as error:
            if self._unexpected.get(name) != str(error):
                log.exception("refresh.failed", collection=name)
            self._unexpected[name] = str(error)
            return None
        self._unexpected.pop(name, None)
        return self._soon(name) if left else None

    def _told(self, name: str, change: Callable[[], T]) -> T:
        """Do what may change a collection, and tell whoever waits for it."""
        try:
            changed = change()
        except CollectionNotFoundError:
            self._drop(name)
            raise
        with self._refreshed:
            self._refreshed.notify_all()
        return changed

    def _load(self, name: str, opened: SearchableGeneration | None = None) -> None:
        self._told(name, partial(self._met(name).refresh, opened=opened))

    def _now(self, name: str) -> Future[None]:
        return self._loader.now(name, partial(self._load, name))

    def _soon(self, name: str) -> Future[None]:
        return self._loader.soon(name, partial(self._load, name))

    def _drop(self, name: str) -> None:
        self._collections.pop(name, None)
        self._unexpected.pop(name, None)


def _wait(loading: "Future[None]") -> None:
    """Wait a while for the loader; whether it can answer is told by the collection itself.

    Raises what is no fault of the collection: that it has gone, or that the home has no checkpoint.
    """
    with suppress(TimeoutError, CancelledError):
        loading.result(_PATIENCE)
