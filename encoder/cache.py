"""The query cache: vectors of recently encoded texts, least recently used first to go."""

import threading
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from molt.encoder.checkpoint import InputType


@dataclass(frozen=True)
class CachedText:
    """The vector `(dim,) float32` of one text, how many tokens were read of it, and if all were."""

    vector: NDArray[np.float32]
    n_tokens: int
    truncated: bool = False


class QueryCache:
    """At most `capacity` texts of one checkpoint; thread-safe."""

    def __init__(self, capacity: int) -> None:
        self._entries: LRUCache[bytes, CachedText] = LRUCache(capacity)
        self._lock = threading.Lock()

    def get(self, text: str, input_type: InputType) -> CachedText | None:
        """What is known of `text`, if it is still here."""
        key = _key(text, input_type)
        with self._lock:
            return self._entries.get(key)

    def put(self, text: str, input_type: InputType, entry: CachedText) -> None:
        """Remember `text`, forgetting the one unused for longest where there are too many."""
        with self._lock:
            self._entries[_key(text, input_type)] = entry


def _key(text: str, input_type: InputType) -> bytes:
    """A digest, because a text may be large and the cache is not to keep it."""
    content = f"{input_type}:{text}".encode("utf-8", "surrogatepass")
    return blake2b(content, digest_size=16).digest()
