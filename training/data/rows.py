"""Rows that only training takes: contrasts and scored pairs, from any of the known formats."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from molt.index.catalog.judgments import Pair
from molt.index.errors import CatalogError, InvalidFieldError
from molt.index.files import ReadProgress, RowError
from molt.index.files.judged.pairs import (
    POSITIVES,
    SECOND_TEXTS,
    PairRow,
    PairShape,
    read_pair_row,
    shape_of,
)
from molt.index.files.table import read_verbatim, sample_columns
from molt.training.data.dataset import TaskKind
from molt.training.data.raw import RawData, ScoredPair, Triplet

NAMED = {"triplets": TaskKind.TRIPLETS, "triples": TaskKind.TRIPLETS, "scores": TaskKind.SCORED}
_SHAPED = {PairShape.CONTRASTS: TaskKind.TRIPLETS, PairShape.SCORED: TaskKind.SCORED}
_SAMPLE = 100  # the first rows of a file may lack a column
Reject = Callable[[RowError], None]


def find_kind(path: Path) -> TaskKind | None:
    """Whether a file holds contrasts or scored pairs, by its name, else by its columns.

    None where it holds neither. Raises `SourceError` where it cannot be read.
    """
    named = NAMED.get(path.name.split(".", 1)[0])
    if named is not None:
        return named
    shape = shape_of(sample_columns(path, rows=_SAMPLE))
    return None if shape is None else _SHAPED.get(shape)


def read_contrasts(path: Path, reject: Reject) -> RawData:
    """Queries with texts that answer them and texts that do not; each bad row goes to `reject`.

    Each positive is set beside a negative until all of both were used. A row without a negative
    is a pair, or several.
    """
    pairs: list[Pair] = []
    triplets: list[Triplet] = []
    unused: Counter[str] = Counter()
    for line, row in _read(path, reject):
        unused.update(row.unused)
        if not row.positives:
            names = " or ".join((*POSITIVES, *SECOND_TEXTS))
            reject(RowError(path, line, f"positive is missing; name its column {names}"))
        elif row.negatives:
            triplets += _contrasted(row)
        else:
            pairs += (Pair(row.query, positive, row.doc_id) for positive in row.positives)
    return RawData(pairs=tuple(pairs), triplets=tuple(triplets), remarks=_remarks(path, unused))


def read_scored(path: Path, reject: Reject) -> RawData:
    """Queries with a text and its score; each bad row goes to `reject`.

    Scores from 0 on are divided by the largest. Where any is below 0, all go from -1 to 1, as
    cosines do, and become 0 to 1.
    """
    found: list[tuple[int, ScoredPair]] = []
    unused: Counter[str] = Counter()
    for line, row in _read(path, reject):
        unused.update(row.unused)
        try:
            found.append((line, _scored(row)))
        except InvalidFieldError as error:
            reject(RowError(path, line, str(error)))
    scored = _scaled(path, found, reject)
    return RawData(scored=tuple(scored), remarks=_remarks(path, unused))


def _read(path: Path, reject: Reject) -> Iterator[tuple[int, PairRow]]:
    for row in read_verbatim(path, ReadProgress()):
        if isinstance(row, RowError):
            reject(row)
            continue
        try:
            yield row.line, read_pair_row(row.values)
        except CatalogError as error:
            reject(RowError(path, row.line, str(error)))


def _contrasted(row: PairRow) -> Iterator[Triplet]:
    most = max(len(row.positives), len(row.negatives))
    both = zip(cycle(row.positives), cycle(row.negatives), strict=False)
    return (Triplet(row.query, *texts) for texts in islice(both, most))


def _scored(row: PairRow) -> ScoredPair:
    if len(row.positives) != 1:
        names = " or ".join((*SECOND_TEXTS, *POSITIVES))
        said = "is missing" if not row.positives else "is several"
        raise InvalidFieldError("document", f"{said}; bring one text in a column {names}")
    return ScoredPair(row.query, row.positives[0], _score(row.score))


def _score(found: Any) -> float:
    if found is None:
        raise InvalidFieldError("score", "is missing")
    try:
        score = math.nan if isinstance(found, bool) else float(found)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not math.isfinite(score):
        raise InvalidFieldError("score", f'is "{str(found)[:40]}", not a number')
    return score


def _scaled(
    path: Path, found: list[tuple[int, ScoredPair]], reject: Reject
) -> Iterator[ScoredPair]:
    signed = any(one.score < 0 for _, one in found)
    largest = max((one.score for _, one in found), default=0.0) or 1.0
    for line, one in found:
        if signed and abs(one.score) > 1:
            why = f"score is {one.score:g}; where some are below 0, all must be from -1 to 1"
            reject(RowError(path, line, why))
        else:
            score = (one.score + 1) / 2 if signed else one.score / largest
            yield ScoredPair(one.query, one.document, score)


def _remarks(path: Path, unused: Counter[str]) -> tuple[str, ...]:
    return tuple(
        f'{path}: {count} {"row" if count == 1 else "rows"}: the column "{column[:60]}" is not '
        "learnt from"
        for column, count in sorted(unused.items())
    )
