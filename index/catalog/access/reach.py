"""Reach: the collections that a key is for, by their names and by patterns with `*`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from molt.index.errors import InvalidFieldError

MOST_PATTERNS = 100
_PATTERN = re.compile(r"[a-z0-9*][a-z0-9_*-]{0,62}", re.ASCII)


@dataclass(frozen=True)
class Reach:
    """Which collections a key may know of; without any pattern it is every one."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Self:
        """Raises `InvalidFieldError` for what can be no collection's name, and for too many."""
        found = tuple(dict.fromkeys(patterns))
        if len(found) > MOST_PATTERNS:
            raise InvalidFieldError("collections", f"are more than {MOST_PATTERNS}; use a pattern")
        for pattern in found:
            if not _PATTERN.fullmatch(pattern):
                raise InvalidFieldError(
                    "collections",
                    f"hold {pattern[:80]!r}, which is no collection's name and no pattern of one; "
                    "write small letters, digits, - and _, and * for any of them",
                )
        return cls(found)

    @property
    def limited(self) -> bool:
        """Is there any collection that it does not cover?"""
        return bool(self.patterns) and "*" not in self.patterns

    def covers(self, collection: str | None) -> bool:
        """May the key know of the collection of this name? What has no name only if of all."""
        if not self.limited:
            return True
        if collection is None:
            return False
        return any(fnmatchcase(collection, pattern) for pattern in self.patterns)

    def __str__(self) -> str:
        return ", ".join(self.patterns) or "all"


EVERYTHING = Reach()
