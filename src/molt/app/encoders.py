"""The encoders that are open: at most one per checkpoint, shared by all who use it."""

import threading
from collections.abc import Callable, Collection

from molt.encoder.encoder import Encoder


class Encoders:
    """Opens an encoder the first time that its checkpoint is asked for.

    An encoder that is let go lives on until the last request that holds it ends.
    """

    def __init__(self, open_encoder: Callable[[str], Encoder], *, spare: int = 2) -> None:
        self._open = open_encoder
        self._spare = spare
        self._opened: dict[str, Encoder] = {}
        self._lock = threading.Lock()

    def get(self, checkpoint_id: str) -> Encoder:
        """Raises what opening raises: not found, corrupt, unsafe."""
        with self._lock:
            encoder = self._opened.pop(checkpoint_id, None) or self._open(checkpoint_id)
            self._opened[checkpoint_id] = encoder
            return encoder

    def keep(self, checkpoint_ids: Collection[str]) -> None:
        """Let go of every encoder but these and the `spare` ones that were used last."""
        with self._lock:
            others = [name for name in self._opened if name not in checkpoint_ids]
            for name in others[: max(0, len(others) - self._spare)]:
                del self._opened[name]

    def close(self) -> None:
        """Stop every encoder's threads."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for encoder in opened.values():
            encoder.close()
