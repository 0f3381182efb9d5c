"""Rows that only training takes: triplets and scored pairs, from any of the known formats."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from molt.index.catalog.fields import check_words
from molt.index.errors import InvalidFieldError
from molt.index.files import ReadProgress, RowError
from molt.index.files.row import JUDGED_DOCUMENTS, JUDGED_QUERIES
from molt.index.files.table import read_verbatim, sample_columns
from molt.training.data.dataset import TaskKind
from molt.training.data.raw import ScoredPair, Triplet

SCORED_TEXTS = ("positive", "document", "text2")
NAMED = {"triplets": TaskKind.TRIPLETS, "scores": TaskKind.SCORED}
_SAMPLE = 100  # the first rows of a file may lack a column
_Record = TypeVar("_Record")
Reject = Callable[[RowError], None]


def find_kind(path: Path) -> TaskKind | None:
    """Whether a file holds triplets or scored pairs, by its name, else by its columns.

    None where it holds neither. Raises `SourceError` where it cannot be read.
    """
    named = NAMED.get(path.name.split(".", 1)[0])
    return named or _kind_by_columns(sample_columns(path, rows=_SAMPLE))


def read_triplets(path: Path, reject: Reject) -> tuple[Triplet, ...]:
    """The good rows of a file; each bad one goes to `reject`."""
    return tuple(_read(path, reject, read=_triplet))


def read_scored(path: Path, reject: Reject) -> tuple[ScoredPair, ...]:
    """The good rows of a file, scores over the largest; each bad one goes to `reject`."""
    found = _read(path, reject, read=_scored)
    largest = max((one.score for one in found), default=0.0) or 1.0
    return tuple(ScoredPair(one.query, one.document, one.score / largest) for one in found)


def _kind_by_columns(columns: frozenset[str]) -> TaskKind | None:
    if columns & {*JUDGED_QUERIES} and columns & {*JUDGED_DOCUMENTS}:
        return None
    if {"query", "positive", "negative"} <= columns:
        return TaskKind.TRIPLETS
    if {"query", "score"} <= columns and columns & {*SCORED_TEXTS}:
        return TaskKind.SCORED
    return None


def _read(
    path: Path, reject: Reject, *, read: Callable[[Mapping[str, Any]], _Record]
) -> list[_Record]:
    found = []
    for row in read_verbatim(path, ReadProgress()):
        if isinstance(row, RowError):
            reject(row)
            continue
        try:
            found.append(read(row.values))
        except InvalidFieldError as error:
            reject(RowError(path, row.line, str(error)))
    return found


def _triplet(values: Mapping[str, Any]) -> Triplet:
    return Triplet(*(_words(values, name) for name in ("query", "positive", "negative")))


def _scored(values: Mapping[str, Any]) -> ScoredPair:
    text = next((name for name in SCORED_TEXTS if name in values), SCORED_TEXTS[0])
    return ScoredPair(_words(values, "query"), _words(values, text), _score(values))


def _words(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        raise InvalidFieldError(name, "is missing")
    return check_words(values[name], field=name)


def _score(values: Mapping[str, Any]) -> float:
    found = values.get("score")
    try:
        score = math.nan if isinstance(found, bool) else float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not 0 <= score < math.inf:
        raise InvalidFieldError("score", f"is {found!r:.40}, not a number from 0")
    return score
