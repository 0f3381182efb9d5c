"""The models that are open: at most one per checkpoint, shared by all who use it.

What serves collections is open for as long as it serves. Beside it requests may ask for any
checkpoint, and of those a bounded number is open: the least recently used gives way.
"""

import math
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from molt.artifact import without_giving_way
from molt.encoder.checkpoint import Checkpoint
from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
from molt.encoder.encoder import Encoder
from molt.encoder.errors import CheckpointNotFoundError
from molt.encoder.opening import open_cross_encoder, open_encoder
from molt.encoder.safety.cancellation import Cancellation
from molt.encoder.store import CheckpointStore
from molt.engine.errors import EncodersBusyError
from molt.engine.refusal import Files, Refusal, files_under, look_at, unraised
from molt.engine.settings import Settings

_FIRST_REST = 1.0


class ServedModel(Protocol):
    """What a checkpoint is opened to: an encoder or a cross-encoder."""

    @property
    def problem(self) -> str | None:
        """Why nothing can be computed at the moment, or what went wrong just now; or None."""
        ...

    def close(self) -> None:
        """End its threads."""
        ...


_Model = TypeVar("_Model", bound=ServedModel)
_Model_co = TypeVar("_Model_co", bound=ServedModel, covariant=True)


@dataclass(eq=False)
class _Opened(Generic[_Model]):
    """A model, or one that is being opened; `lent` where only requests have asked for it."""

    lent: bool
    model: "Future[_Model]" = field(default_factory=Future)
    users: int = 0


class OpenModels(Generic[_Model]):
    """Opens an encoder, or a cross-encoder, the first time that its checkpoint is asked for.

    While one is being opened, which takes seconds, the others are given out. An encoder that is
    let go lives on until the last request that holds it ends. With `files`, which tells a
    checkpoint's, one that could not be opened is not opened again until they change or it has
    rested. Whoever asks first, its threads give way to nobody but by themselves.
    """

    def __init__(
        self,
        open_encoder: Callable[[str], _Model],
        *,
        files: Callable[[str], Files] = lambda _: (),
        spare: int = 2,
        max_lent: int = 2,
    ) -> None:
        self._open = open_encoder
        self._files = files
        self._spare = spare
        self._max_lent = max_lent
        self._opened: dict[str, _Opened[_Model]] = {}
        self._refused: dict[str, Refusal] = {}
        self._lock = threading.Lock()
        self._opening_seconds = 1.0

    def get(self, checkpoint_id: str) -> _Model:
        """For what serves. Raises what opening raises: not found, corrupt, unsafe."""
        self._raise_refusal(checkpoint_id)
        with self._lock:
            opened, first = self._taken(checkpoint_id, lent=False)
        return self._result(opened, checkpoint_id, first=first)

    @contextmanager
    def lend(self, checkpoint_id: str) -> Iterator[_Model]:
        """For one request, which ends with the block.

        Raises `EncodersBusyError` where it would be one more than `max_lent`, all of them in use;
        and what opening raises.
        """
        self._raise_refusal(checkpoint_id)
        with self._lock:
            if checkpoint_id not in self._opened:
                self._make_room()
            opened, first = self._taken(checkpoint_id, lent=True)
            opened.users += 1
        try:
            yield self._result(opened, checkpoint_id, first=first)
        finally:
            with self._lock:
                opened.users -= 1

    def is_open(self, checkpoint_id: str) -> bool:
        """Would it be given out at once?"""
        opened = self._opened.get(checkpoint_id)
        return opened is not None and opened.model.done()

    def problems(self) -> list[str]:
        """Why open encoders do not encode at the moment."""
        opened = [one.model for one in list(self._opened.values()) if one.model.done()]
        sound = [one.result() for one in opened if one.exception() is None]
        return [problem for model in sound if (problem := model.problem) is not None]

    def files(self, checkpoint_id: str) -> Files:
        """The files of a checkpoint as they are now; none where there is none."""
        return self._files(checkpoint_id)

    def keep(self, checkpoint_ids: Collection[str]) -> None:
        """Let go of every encoder but these, the lent ones, and the `spare` ones used last."""
        with self._lock:
            others = [
                name
                for name, opened in self._opened.items()
                if name not in checkpoint_ids and not opened.lent and opened.model.done()
            ]
            for name in others[: max(0, len(others) - self._spare)]:
                del self._opened[name]

    def close(self) -> None:
        """Stop every encoder's threads; one that is just being opened is not waited for."""
        with self._lock:
            all_opened, self._opened = self._opened, {}
        for opened in all_opened.values():
            if opened.model.done() and opened.model.exception() is None:
                opened.model.result().close()

    def _raise_refusal(self, checkpoint_id: str) -> None:
        """Raise what opening raised a while ago, where nothing has changed since."""
        refusal = self._refused.get(checkpoint_id)
        if refusal is not None and refusal.stands(self._files(checkpoint_id)):
            raise unraised(refusal.error)

    def _make_room(self) -> None:
        """Let go of the lent encoder that was used least recently, where one more is too many."""
        lent = {name: opened for name, opened in self._opened.items() if opened.lent}
        idle = [name for name, opened in lent.items() if not opened.users]
        if len(lent) < self._max_lent:
            return
        if not idle:
            retry_after = max(1, math.ceil(self._opening_seconds))
            raise EncodersBusyError(max_open=self._max_lent, retry_after=retry_after)
        del self._opened[idle[0]]

    def _taken(self, checkpoint_id: str, *, lent: bool) -> tuple[_Opened[_Model], bool]:
        """The encoder as the one used last, and whether it has to be opened."""
        found = self._opened.pop(checkpoint_id, None)
        opened = _Opened[_Model](lent) if found is None else found
        opened.lent = opened.lent and lent
        self._opened[checkpoint_id] = opened
        return opened, found is None

    def _result(self, opened: _Opened[_Model], checkpoint_id: str, *, first: bool) -> _Model:
        if first:
            self._fulfil(opened, checkpoint_id)
        return opened.model.result()

    def _fulfil(self, opened: _Opened[_Model], checkpoint_id: str) -> None:
        began, look = time.monotonic(), look_at(self._files(checkpoint_id))
        try:
            with Cancellation().scope():  # whoever asked first may go away, and others wait too
                model = without_giving_way(partial(self._open, checkpoint_id))
            opened.model.set_result(model)
            self._refused.pop(checkpoint_id, None)
        except BaseException as error:
            if look.files and isinstance(error, Exception):  # names of nothing are not remembered
                former = self._refused.get(checkpoint_id)
                refusal = look.refuse(error, former=former, first_rest=_FIRST_REST)
                self._refused[checkpoint_id] = refusal
            with self._lock:
                if self._opened.get(checkpoint_id) is opened:
                    del self._opened[checkpoint_id]
            opened.model.set_exception(error)
            raise
        self._opening_seconds = time.monotonic() - began


Encoders = OpenModels[Encoder]
"""What makes vectors."""
CrossEncoders = OpenModels[CrossEncoder]
"""What scores pairs."""


class _Open(Protocol[_Model_co]):
    """`open_encoder` or `open_cross_encoder`."""

    def __call__(
        self,
        checkpoint: Checkpoint,
        *,
        cache: Path,
        runtime: str,
        threads: int,
        seconds: float,
    ) -> _Model_co: ...


def checkpoint_encoders(settings: Settings) -> Encoders:
    """Encoders opened from the home's checkpoints, each verified first."""
    return _from_checkpoints(settings, open_encoder)


def checkpoint_cross_encoders(settings: Settings) -> CrossEncoders:
    """The same of cross-encoders; as many of them may be lent."""
    return _from_checkpoints(settings, open_cross_encoder)


def _from_checkpoints(settings: Settings, open_model: _Open[_Model]) -> OpenModels[_Model]:
    store = CheckpointStore(settings.layout.checkpoints)

    def open_one(checkpoint_id: str) -> _Model:
        return open_model(
            store.open(checkpoint_id),
            cache=settings.layout.cache,
            runtime=settings.encoder.runtime,
            threads=settings.encoder_threads,
            seconds=settings.limits.encode_seconds,
        )

    def files(checkpoint_id: str) -> Files:
        try:
            return files_under(store.path(checkpoint_id))
        except CheckpointNotFoundError:
            return ()

    return OpenModels(open_one, files=files, max_lent=settings.encoder.max_open)
