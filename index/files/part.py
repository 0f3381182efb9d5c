"""A part of a source: one file, and the kind of records in it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class RecordKind(StrEnum):
    """What the rows of a file are."""

    DOCUMENTS = "documents"
    QUERIES = "queries"
    JUDGMENTS = "judgments"
    PAIRS = "pairs"


SPLIT_KINDS = frozenset({RecordKind.JUDGMENTS, RecordKind.PAIRS})
"""The kinds of records that have a split."""


@dataclass(frozen=True)
class SourcePart:
    """One file of a source; `split` is given to those of its records that name none."""

    path: Path
    kind: RecordKind
    split: str | None = None
