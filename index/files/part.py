"""A part of a source: one file, and the kind of records in it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What the rows of a file are."""

    DOCUMENTS = "documents"
    QUERIES = "queries"
    JUDGMENTS = "judgments"
    PAIRS = "pairs"


@dataclass(frozen=True)
class Part:
    """One file of a source; `split` is given to those of its judgments that name none."""

    path: Path
    kind: Kind
    split: str | None = None
