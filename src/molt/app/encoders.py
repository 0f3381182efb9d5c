"""The encoders that are open: at most one per checkpoint, shared by all who use it."""

import threading
from collections.abc import Callable, Collection

from molt.encoder.encoder import Encoder


class Encoders:
    """Opens an encoder the first time that its checkpoint is asked for.

    An encoder that is let go lives on until the last request that holds it ends.
    """

    def __init__(self, open_encoder: Callable[[str], Encoder]) -> None:
        self._open = open_encoder
        self._opened: dict[str, Encoder] = {}
        self._lock = threading.Lock()

    def get(self, checkpoint_id: str) -> Encoder:
        """Raises what opening raises: not found, corrupt, unsafe."""
        encoder = self._opened.get(checkpoint_id)
        if encoder is not None:
            return encoder
        with self._lock:
            if checkpoint_id not in self._opened:
                self._opened[checkpoint_id] = self._open(checkpoint_id)
            return self._opened[checkpoint_id]

    def keep(self, checkpoint_ids: Collection[str]) -> None:
        """Let go of every encoder but these."""
        with self._lock:
            self._opened = {
                name: encoder for name, encoder in self._opened.items() if name in checkpoint_ids
            }

    def close(self) -> None:
        """Stop every encoder's threads."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for encoder in opened.values():
            encoder.close()
