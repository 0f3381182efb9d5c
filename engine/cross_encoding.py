"""Cross-encoding: which cross-encoder a collection has, and those that are open.

Searches and `/v1/rerank` ask here. What a collection was tuned to is opened ahead and kept open;
any other one is opened for whoever asks, as encoders are.
"""

from collections.abc import Collection as Several
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress

import structlog

from molt.artifact import ArtifactError
from molt.encoder.checkpoint import Checkpoint
from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
from molt.encoder.errors import EncoderError
from molt.encoder.kind import Capability, ModelKind
from molt.encoder.store import CheckpointStore
from molt.engine.encoders import CrossEncoders
from molt.engine.errors import NoCrossEncoderError
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection

log = structlog.get_logger(__name__)

_Manifests = tuple[tuple[str, int], ...]


class CrossEncoding:
    """The cross-encoders of one home. Thread-safe."""

    def __init__(self, opened: CrossEncoders, checkpoints: CheckpointStore) -> None:
        self._opened = opened
        self._checkpoints = checkpoints
        self._surveyed: tuple[_Manifests, tuple[Checkpoint, ...]] = ((), ())
        self._kept: frozenset[str] | None = None  # nobody opens any ahead
        self._refused: dict[str, str] = {}
        self._version: Hashable = None

    def chosen(self, collection: Collection) -> str:
        """The checkpoint of the cross-encoder that a collection has.

        That is the one by which its release re-ranks, or else the newest that was trained on the
        collection and passed its gate. Raises `NoCrossEncoderError`.
        """
        released = None if collection.ranking is None else collection.ranking.cross_encoder
        if released is not None:
            return released
        known = self._cross_encoders()
        newest = newest_cross_encoder(known, collection.name)
        if newest is None:
            raise NoCrossEncoderError(_lacking(collection.name, known))
        return newest.id

    def has_one(self, collection: Collection) -> bool:
        """Would `chosen` find one?"""
        try:
            self.chosen(collection)
        except NoCrossEncoderError:
            return False
        return True

    @contextmanager
    def using(self, checkpoint_id: str) -> Iterator[CrossEncoder]:
        """A cross-encoder for the time of one request, opened where it is not.

        Raises what opening raises, `MissingCapabilityError` where the checkpoint is none, and
        `EncodersBusyError`.
        """
        if not self._opened.is_open(checkpoint_id):
            self._checkpoints.read(checkpoint_id).require(Capability.RERANK)
        kept = checkpoint_id in (self._kept or ())
        opened = self._opened
        with nullcontext(opened.get(checkpoint_id)) if kept else opened.lend(checkpoint_id) as one:
            yield one

    def is_to_come(self, checkpoint_id: str) -> bool:
        """Is one by which a release re-ranks still to be opened, by whoever opens them ahead?"""
        ahead = self._kept is not None and checkpoint_id not in self._refused
        return ahead and not self._opened.is_open(checkpoint_id)

    def covers(self, checkpoint_id: str) -> bool:
        """Is a checkpoint of that id a cross-encoder? Reads its manifest where it is not open."""
        if self._opened.is_open(checkpoint_id):
            return True
        with suppress(ArtifactError, EncoderError, OSError):
            return self._checkpoints.read(checkpoint_id).kind is ModelKind.CROSS_ENCODER
        return False

    def keep(self, checkpoint_ids: Several[str]) -> None:
        """Have these open, by which releases re-rank, and no longer what nobody needs.

        One that cannot be opened keeps nothing from serving: searches are answered without it.
        """
        self._kept = kept = frozenset(checkpoint_ids)
        refused = {}
        for checkpoint_id in sorted(kept):
            try:
                self._opened.get(checkpoint_id)
            except Exception as error:  # noqa: BLE001  a re-ranker keeps no search from an answer
                refused[checkpoint_id] = f"cross-encoder {checkpoint_id}: {error}"
                if checkpoint_id not in self._refused:
                    log.warning("checkpoint.refused", checkpoint=checkpoint_id, reason=str(error))
        self._refused = refused
        self._opened.keep(kept)

    def keep_tuned(self, catalog: Catalog) -> None:
        """Have those open by which collections were tuned to be re-ranked.

        Looks no further where nobody has written to the catalog, and none was refused.
        """
        version = catalog.database.version()
        if version == self._version and not self._refused:
            return
        rankings = (one.ranking for one in catalog.collections.list())
        tuned = {one.cross_encoder for one in rankings if one is not None}
        self.keep({one for one in tuned if one is not None})
        self._version = version

    @property
    def problems(self) -> list[str]:
        """Why what releases re-rank by is not served, and what went wrong with what is open."""
        return [*self._refused.values(), *self._opened.problems()]

    def close(self) -> None:
        """Stop the threads of all that are open."""
        self._opened.close()

    def _cross_encoders(self) -> tuple[Checkpoint, ...]:
        """Those of the home, oldest first; read again only where a checkpoint came or changed."""
        manifests = tuple(self._manifests())
        if self._surveyed[0] != manifests:
            every = self._checkpoints.survey().checkpoints
            found = tuple(one for one in every if one.kind is ModelKind.CROSS_ENCODER)
            self._surveyed = manifests, found
        return self._surveyed[1]

    def _manifests(self) -> Iterator[tuple[str, int]]:
        for checkpoint_id in self._checkpoints.ids():
            with suppress(OSError):  # it was removed meanwhile
                changed = (self._checkpoints.root / checkpoint_id).stat().st_mtime_ns
                yield checkpoint_id, changed


def newest_cross_encoder(checkpoints: Iterable[Checkpoint], collection: str) -> Checkpoint | None:
    """The newest cross-encoder that was trained on a collection and passed its gate."""
    passed = [one for one in _trained_on(checkpoints, collection) if one.passed_gate]
    return max(passed, key=lambda one: one.created_at, default=None)


def _trained_on(checkpoints: Iterable[Checkpoint], collection: str) -> list[Checkpoint]:
    return [
        one
        for one in checkpoints
        if one.kind is ModelKind.CROSS_ENCODER and one.data.get("collection") == collection
    ]


def _lacking(collection: str, known: Iterable[Checkpoint]) -> str:
    """Why there is none to re-rank by, and what to do."""
    refused = [one.id for one in _trained_on(known, collection)]
    if refused:
        return (
            f"no cross-encoder of the collection {collection!r} passed its gate; name one as "
            f"`model`, as {refused[-1]}, or train another one with "
            f"`molt train {collection} --kind cross-encoder`"
        )
    return (
        f"the collection {collection!r} has no cross-encoder; train one with "
        f"`molt train {collection} --kind cross-encoder`, or name one as `model`"
    )
