"""A live collection: what answers it right now, and why what should answer does not.

It is *loading*, *serving*, or *refused*: what its pointer names cannot be loaded, and rests. Where
it is not serving, the former pair answers if there is one. Knows no other collection, no threads.
"""

import threading
from typing import Literal

import structlog

from molt.artifact import ArtifactError, panics_contained
from molt.encoder.errors import EncoderError
from molt.engine.errors import EngineError, UnavailableError
from molt.engine.live.pair import Live, Pairs, Target
from molt.engine.refusal import Files, Look, Refusal, look_at
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.errors import CollectionNotFoundError, IndexingError
from molt.index.generations.protocols import SearchableGeneration

log = structlog.get_logger(__name__)

LiveState = Literal["loading", "serving", "refused"]

EXPECTED = (ArtifactError, EncoderError, EngineError, IndexingError, OSError)
"""What keeps something from being served without that the program is wrong."""

_LOOKS = 4
"""Where nothing is missing, files are looked at once in so many looks: another process can only
have merged them, or made them anew.
"""


class LiveCollection:
    """One collection in memory, which follows the disk when it is told to.

    A refusal rests `first_rest` seconds, and longer each time. `live` and `refusal` may be read at
    any time; they are replaced, never changed.
    """

    def __init__(self, name: str, *, catalog: Catalog, pairs: Pairs, first_rest: float) -> None:
        self.live: Live | None = None
        self.refusal: Refusal | None = None
        self._name = name
        self._catalog = catalog
        self._pairs = pairs
        self._first_rest = first_rest
        self._row: Collection | None = None
        self._manifests: Files = ()
        self._settled: tuple[Collection, str | None, Target] | None = None
        self._is_complete = False
        self._looks = 0
        self._refused: Target | None = None
        self._changing = threading.Lock()  # held while `live` is replaced
        self._loading = threading.Lock()  # held while another pair is opened

    @property
    def state(self) -> LiveState:
        """How what the pointer names is served."""
        live, row = self.live, self._row
        if self.refusal is not None:
            return "refused"
        served = live is not None and row is not None and live.collection.epoch == row.epoch
        return "serving" if served else "loading"

    @property
    def problem(self) -> str | None:
        """Why what the pointer names is not served, or not with its words."""
        refusal, live = self.refusal, self.live
        if refusal is not None:
            return f"collection {self._name!r}: {refusal.reason}"
        if live is None or live.leg.problem is None:
            return None
        return f"collection {self._name!r} is searched without its words: {live.leg.problem}"

    def answering(self) -> Live:
        """What answers. Raises `UnavailableError` where nothing does."""
        live, refusal = self.live, self.refusal
        if live is not None:
            return live
        if refusal is None:
            raise UnavailableError(
                f"collection {self._name!r} is being loaded; try again", retry_after=1
            )
        error = UnavailableError(str(self.problem), retry_after=refusal.retry_after)
        raise error from refusal.error

    def is_settled(self, row: Collection, *, default: str | None) -> bool:
        """Is there nothing to do? `row` is the catalog's newest, `default` the default checkpoint.

        A refusal whose files have changed is due. Asks the catalog for nothing. Is called at every
        look.
        """
        settled = self._settled
        if settled is None or settled[0] is not row or settled[1] != default:
            return self._compare(row, default)
        self._looks += 1
        if self._is_complete and self._looks % _LOOKS:
            return True
        return self._pairs.manifests(settled[2]) == self._manifests

    def _compare(self, row: Collection, default: str | None) -> bool:
        """What `is_settled` remembers, since it is asked of every collection again and again."""
        self._reconsider()
        live, refusal = self.live, self.refusal
        target = Target(row.id, row.generation, None if row.generation else default)
        if self._row != row:
            return False
        if refusal is not None:
            return self._refused == target and refusal.rests()
        if live is None or live.collection.epoch != row.epoch or live.target != target:
            return False
        if self._manifests != self._pairs.manifests(target):
            return False
        with self._changing:
            if self.live is live and self.refusal is None:
                self._settled, self._is_complete = (row, default, target), live.is_complete(row)
        return True

    def follow(self, opened: SearchableGeneration | None = None) -> bool:
        """Bring what answers up to date; False where another pair has to be opened for it.

        `opened` is begun with where it is newer than what answers. While what should answer rests,
        no file is looked at. Raises `CollectionNotFoundError`.
        """
        with self._changing:
            self._settled = None
            row = self._read()
            target = self._pairs.target(row)
            rests = self._rests(target)
            live = self.live
            if live is not None and live.collection.id != row.id:
                live = self.live = None  # it was deleted and made anew
            look = look_at(())
            try:
                with panics_contained():
                    if live is not None and live.target == target and not rests:
                        self._serve(live, row, opened)
                        return True
                    if live is not None:
                        self.live = self._pairs.kept(live, row)
            except CollectionNotFoundError:
                raise
            except Exception as error:  # noqa: BLE001  the former one answers
                self._refuse(target, error, look)
                rests = True
            self._row = row
            return rests

    def refresh(self, *, opened: SearchableGeneration | None = None) -> None:
        """Make memory equal disk, however long it takes, or refuse what is on disk.

        What was refused is not looked at again while it rests, unless `opened` is of it. Raises
        `CollectionNotFoundError`.
        """
        with self._loading:
            self._reconsider(opened)
            while not (self.follow(opened) or self._exchange(opened)):
                continue

    def _exchange(self, opened: SearchableGeneration | None) -> bool:
        """Open what the pointer names; False where it was moved meanwhile."""
        row = self._read()
        target = self._pairs.target(row)
        look = look_at(self._pairs.files(target))
        try:
            with panics_contained():
                live = self._pairs.open(row, target, opened)
            with self._changing, panics_contained():
                row = self._read()
                if self._pairs.target(row) != target:
                    return False
                self._serve(live, row)
        except CollectionNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001  one collection keeps no other from being served
            self._refuse(target, error, look)
            self._row = row
        return True

    def _serve(
        self, live: Live, row: Collection, opened: SearchableGeneration | None = None
    ) -> None:
        """Answer by a pair that the pointer names, brought up to date."""
        self._settled = None
        manifests = self._pairs.manifests(live.target)  # before they are read
        self.live = self._pairs.followed(live, row, opened)
        self._manifests, self._row = manifests, row
        self.refusal = self._refused = None

    def _refuse(self, target: Target, error: Exception, look: Look) -> None:
        former = self.refusal if self._refused == target else None
        files = look.files or self._pairs.files(target)
        refusal = Look(files, look.began).refuse(error, former=former, first_rest=self._first_rest)
        if former is None or former.reason != refusal.reason:
            unexpected = None if isinstance(error, EXPECTED) else error
            event = "collection.unavailable" if self.live is None else "refresh.refused"
            log.error(event, collection=self._name, reason=refusal.reason, exc_info=unexpected)
        self.refusal, self._refused, self._settled = refusal, target, None

    def _rests(self, target: Target) -> bool:
        return self.refusal is not None and self._refused == target and self.refusal.rests()

    def _reconsider(self, opened: SearchableGeneration | None = None) -> None:
        """Let what was refused be due where its files have changed, or somebody has opened it."""
        refusal, refused = self.refusal, self._refused
        if refusal is None or refused is None:
            return
        sound = opened is not None and opened.manifest.id == refused.generation
        if sound or (refusal.rests() and refusal.files != self._pairs.files(refused)):
            self.refusal = refusal.due()

    def _read(self) -> Collection:
        return self._catalog.collections.get(self._name)
