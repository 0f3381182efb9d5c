"""Uses: which checkpoints somebody works with, written down where the work is kept.

Whoever removes checkpoints reads it. What is at work holds the lock beside its folder; what was
interrupted keeps its folder, and with it the checkpoints that it goes on with.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from molt.artifact import canonical_json, exclusive, write_atomically

_USES = "uses.json"
_ID_DIGITS = 16


def note_uses(folder: Path, checkpoint_ids: Iterable[str | None]) -> None:
    """Write down in `folder`, which is made if need be, what is worked with there."""
    folder.mkdir(parents=True, exist_ok=True)
    used = sorted({each for each in checkpoint_ids if each is not None})
    write_atomically(folder / _USES, canonical_json(used))


def read_uses(folder: Path) -> frozenset[str]:
    """What is worked with in a folder; nothing where that was not written down."""
    try:
        return frozenset(map(str, json.loads((folder / _USES).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return frozenset()


@contextmanager
def using_checkpoints(runs: Path, checkpoint_ids: Iterable[str | None]) -> Iterator[None]:
    """Use checkpoints for as long as the block lasts, by a folder of its own beside the `runs`."""
    folder = runs / uuid4().hex[:_ID_DIGITS]
    lock = folder.with_suffix(".lock")
    runs.mkdir(parents=True, exist_ok=True)
    with exclusive(lock):
        note_uses(folder, checkpoint_ids)
        try:
            yield
        finally:
            rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
