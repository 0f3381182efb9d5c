"""A compiled graph: what a runtime made of a graph on this host, kept for the next start.

Beside it lies its SHA-256. What that does not vouch for is thrown away and compiled anew, because a
runtime loads flipped bits without a word and then makes other vectors.
"""

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.artifact import canonical_json, hash_file, write_atomically
from molt.encoder.host import fingerprint

log = logging.getLogger(__name__)

_SUFFIX = ".blob"
_HASH_SUFFIX = ".sha256"


class CompiledGraph:
    """A place in `folder` for one graph under certain settings; nothing need be there."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._path = folder / f"{key}{_SUFFIX}"
        self._hash = folder / f"{key}{_SUFFIX}{_HASH_SUFFIX}"

    def read(self) -> NDArray[np.uint8] | None:
        """What was kept, mapped into memory once all of it was hashed; None where that fails."""
        try:
            recorded = self._hash.read_text(encoding="ascii").strip()
            if hash_file(self._path).sha256 == recorded:
                return np.memmap(self._path, np.uint8, mode="c")
            why = "its SHA-256 differs from the recorded one"
        except (OSError, ValueError) as error:  # not ASCII, or a file of no bytes
            why = str(error)
        if self._path.exists():
            self.discard(why)
        return None

    def discard(self, why: str) -> None:
        """Throw away what was kept."""
        log.warning("%s is thrown away and compiled anew: %s", self._path, why)
        for path in (self._hash, self._path):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def keep(self, content: bytes) -> None:
        """Keep it, and then its SHA-256; where the disk takes none, it is compiled each time."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_strays()
            write_atomically(self._path, content)
            write_atomically(self._hash, hashlib.sha256(content).hexdigest().encode())

    def _remove_strays(self) -> None:
        """Remove what nothing vouches for: an earlier version let the runtime write here."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if not path.with_name(path.name + _HASH_SUFFIX).exists():
                path.unlink(missing_ok=True)


def compiled_key(contents: Mapping[str, str], settings: Mapping[str, str | int]) -> str:
    """32 hex digits over all that a compiled graph depends on, the host and its runtimes included.

    `contents` gives the SHA-256 of each file that the graph is read from.
    """
    body = {"contents": dict(contents), "settings": dict(settings), "host": fingerprint()}
    return hashlib.sha256(canonical_json(body)).hexdigest()[:32]
