"""The encoders that are open: at most one per checkpoint, shared by all who use it."""

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future

from molt.encoder.encoder import Encoder


class Encoders:
    """Opens an encoder the first time that its checkpoint is asked for.

    While one is being opened, which takes seconds, the others are given out. An encoder that is
    let go lives on until the last request that holds it ends.
    """

    def __init__(self, open_encoder: Callable[[str], Encoder], *, spare: int = 2) -> None:
        self._open = open_encoder
        self._spare = spare
        self._opened: dict[str, Future[Encoder]] = {}
        self._lock = threading.Lock()

    def get(self, checkpoint_id: str) -> Encoder:
        """Raises what opening raises: not found, corrupt, unsafe."""
        with self._lock:
            found = self._opened.pop(checkpoint_id, None)
            first = found is None
            promised: Future[Encoder] = Future() if found is None else found
            self._opened[checkpoint_id] = promised
        if first:
            self._fulfil(promised, checkpoint_id)
        return promised.result()

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
        try:
            promised.set_result(self._open(checkpoint_id))
        except BaseException as error:
            with self._lock:
                if self._opened.get(checkpoint_id) is promised:
                    del self._opened[checkpoint_id]
            promised.set_exception(error)
            raise
