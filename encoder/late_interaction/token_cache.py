"""The token cache: token codes of texts that were compared lately, within a bound of bytes."""

import threading

from cachetools import LRUCache

from molt.artifact import text_hash
from molt.encoder.checkpoint import InputType
from molt.encoder.late_interaction.token_codes import TokenCodes

_ENTRY = 512
"""About what an entry takes beside its codes, in bytes."""


class TokenCache:
    """Codes by checkpoint, input type and content; who was not asked for longest goes first.

    Takes `capacity` bytes at most, and keeps no text. Thread-safe.
    """

    def __init__(self, capacity: int) -> None:
        self._entries: LRUCache[bytes, TokenCodes] = LRUCache(
            capacity, getsizeof=lambda codes: codes.size + _ENTRY
        )
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return int(self._entries.currsize)

    def get(self, key: bytes) -> TokenCodes | None:
        """What is known under `key`, if it is still here."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: bytes, codes: TokenCodes) -> None:
        """Remember codes; what alone takes more than all may is not kept."""
        with self._lock:
            if codes.size + _ENTRY <= self._entries.maxsize:
                self._entries[key] = codes


def token_key(checkpoint_id: str, text: str, input_type: InputType) -> bytes:
    """What the codes of a text are kept under."""
    return f"{checkpoint_id}:{input_type}:".encode() + text_hash(text)
