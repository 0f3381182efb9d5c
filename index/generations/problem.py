"""A problem: something in a home that is not as it should be, and how much that matters."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """`DAMAGE` needs somebody; a `LEFTOVER` only takes space, and may be of work under way."""

    DAMAGE = "damage"
    LEFTOVER = "leftover"


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where."""

    path: Path
    what: str
    severity: Severity = Severity.DAMAGE
