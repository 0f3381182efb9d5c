"""Refusal: why something on disk is not served, and when it is worth another look.

To verify files means to read them all, so what was refused rests: at once longer than the look
itself took by far, and longer each time. As soon as one of its files changes it is due again.
"""

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

Files = tuple[tuple[str, int, int, int], ...]
"""Path, size, time of the last change in ns and inode of each file: what is told for nothing."""

LONGEST_REST = 60.0
_REST_FOR_A_SECOND = 100.0
"""Seconds of rest for each that a look took, so that looking takes 1 % of a core."""


@dataclass(frozen=True)
class Refusal:
    """What a look at `files` found wrong; the next one is not to be before `until` (monotonic).

    `error` was never raised itself: its traceback would keep alive what was half opened.
    """

    error: Exception
    files: Files
    rest: float
    until: float

    @property
    def reason(self) -> str:
        """What is wrong, in words."""
        return str(self.error) or type(self.error).__name__

    @property
    def retry_after(self) -> int:
        """Whole seconds, at least 1, until it is looked at again."""
        return max(1, math.ceil(max(self.until - time.monotonic(), 0)))

    def rests(self) -> bool:
        """Is it too early for another look, unless the files have changed?"""
        return time.monotonic() < self.until

    def due(self) -> "Refusal":
        """The same, to be looked at now."""
        return replace(self, until=-math.inf)

    def stands(self, files: Files) -> bool:
        """Is it too early for another look, the files being as they are?"""
        return self.rests() and files == self.files


@dataclass(frozen=True)
class Look:
    """A look at `files` that began at `began` (monotonic)."""

    files: Files
    began: float

    def refuse(self, error: Exception, *, former: Refusal | None, first_rest: float) -> Refusal:
        """It ends in a refusal; where `former` was for the same files, this one rests longer."""
        again = former is not None and former.files == self.files
        rest = min(2 * former.rest if former and again else first_rest, LONGEST_REST)
        rest = max(rest, _REST_FOR_A_SECOND * (time.monotonic() - self.began))
        return Refusal(unraised(error), self.files, rest, time.monotonic() + rest)


def look_at(files: Files) -> Look:
    """Begin to look."""
    return Look(files, time.monotonic())


def unraised(error: Exception) -> Exception:
    """The same error without a traceback, which raising it will not give to the first one."""
    same = type(error).__new__(type(error), *error.args)
    same.__dict__.update(error.__dict__)
    if isinstance(error, OSError) and isinstance(same, OSError):
        same.filename = error.filename
    return same


def files_under(folder: Path) -> Files:
    """Every file of an artifact but its locks; none where there is no such directory."""
    found: list[tuple[str, int, int, int]] = []
    for where, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".lock"):
                found += file_at(os.path.join(where, name))  # noqa: PTH118  a tenth of the time
    return tuple(sorted(found))


def file_at(path: str) -> Files:
    """One file as it is now, or nothing where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  asked for often
    except OSError:
        return ()
    return ((path, found.st_size, found.st_mtime_ns, found.st_ino),)
