"""The encoders that are open: at most one per checkpoint, shared by all who use it."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future

from molt.encoder.encoder import Encoder
from molt.engine.refusal import Files, Refusal, look_at, unraised

_FIRST_REST = 1.0


class Encoders:
    """Opens an encoder the first time that its checkpoint is asked for.

    While one is being opened, which takes seconds, the others are given out. An encoder that is
    let go lives on until the last request that holds it ends. With `files`, which tells a
    checkpoint's, one that could not be opened is not opened again until they change or it has
    rested.
    """

    def __init__(
        self,
        open_encoder: Callable[[str], Encoder],
        *,
        files: Callable[[str], Files] = lambda _: (),
        spare: int = 2,
    ) -> None:
        self._open = open_encoder
        self._files = files
        self._spare = spare
        self._opened: dict[str, Future[Encoder]] = {}
        self._refused: dict[str, Refusal] = {}
        self._lock = threading.Lock()

    def get(self, checkpoint_id: str) -> Encoder:
        """Raises what opening raises: not found, corrupt, unsafe."""
        refusal = self._refused.get(checkpoint_id)
        if refusal is not None and refusal.stands(self._files(checkpoint_id)):
            raise unraised(refusal.error)
        with self._lock:
            found = self._opened.pop(checkpoint_id, None)
            first = found is None
            promised: Future[Encoder] = Future() if found is None else found
            self._opened[checkpoint_id] = promised
        if first:
            self._fulfil(promised, checkpoint_id)
        return promised.result()

    def files(self, checkpoint_id: str) -> Files:
        """The files of a checkpoint as they are now; none where there is none."""
        return self._files(checkpoint_id)

    def keep(self, checkpoint_ids: Collection[str]) -> None:
        """Let go of every encoder but these and the `spare` ones that were used last."""
        with self._lock:
            others = [
                name
                for name, promised in self._opened.items()
                if name not in checkpoint_ids and promised.done()
            ]
            for name in others[: max(0, len(others) - self._spare)]:
                del self._opened[name]

    def close(self) -> None:
        """Stop every encoder's threads."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for promised in opened.values():
            promised.result().close()

    def _fulfil(self, promised: "Future[Encoder]", checkpoint_id: str) -> None:
        look = look_at(self._files(checkpoint_id))
        try:
            promised.set_result(self._open(checkpoint_id))
            self._refused.pop(checkpoint_id, None)
        except BaseException as error:
            if look.files and isinstance(error, Exception):  # names of nothing are not remembered
                former = self._refused.get(checkpoint_id)
                refusal = look.refuse(error, former=former, first_rest=_FIRST_REST)
                self._refused[checkpoint_id] = refusal
            with self._lock:
                if self._opened.get(checkpoint_id) is promised:
                    del self._opened[checkpoint_id]
            promised.set_exception(error)
            raise
