"""Slices: groups of queries that may fare differently from the whole.

By what their metadata say, by how long they are, by how many documents answer them, and by whether
training saw an answer of theirs (head) or not (tail). Measures nothing.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Qrels, Split
from molt.training.errors import EvaluationError

BY_LENGTH = "words in the query"
BY_ANSWERS = "relevant documents"
BY_TRAINING = "an answer seen in training"
NONE = "(none)"
OTHER = "(other)"

_LENGTHS = ("1-2", "3-5", "6-10", "11 or more")
_COUNTS = ("1", "2-5", "6 or more")
_MOST_VALUES = 20
_MOST_NUMBERS = 8


@dataclass(frozen=True)
class Slice:
    """The queries at `rows` `(n,)`, which have in common that `by` is `value`."""

    by: str
    value: str
    rows: npt.NDArray[np.int64]


def slices(
    queries: Sequence[Query], *, qrels: Qrels, fields: Sequence[str] = (), train: Split | None
) -> list[Slice]:
    """Every slice that is not the whole; a query may be in several of one field.

    Raises `EvaluationError` for a field that no query has.
    """
    found = [*_grouped(BY_LENGTH, queries, lambda query: [_length(query.text)], order=_LENGTHS)]
    answers = {query.id: _relevant(qrels, query.id) for query in queries}
    found += _grouped(
        BY_ANSWERS, queries, lambda query: [_count(len(answers[query.id]))], order=_COUNTS
    )
    if train is not None:
        seen = {doc_id for query_id in train.queries for doc_id in _relevant(train.qrels, query_id)}
        found += _grouped(
            BY_TRAINING,
            queries,
            lambda query: ["no (tail)" if seen.isdisjoint(answers[query.id]) else "yes (head)"],
        )
    for name in fields:
        found += _by_field(name, queries)
    return found


def field_values(value: object) -> list[str]:
    """What a metadata field says, as text: each member of a list, `(none)` where it is empty."""
    members = value if isinstance(value, (list, tuple)) else [value]
    said = [
        str(member).lower() if isinstance(member, bool) else str(member)
        for member in members
        if member is not None and member != ""
    ]
    return list(dict.fromkeys(said)) or [NONE]


def _by_field(name: str, queries: Sequence[Query]) -> Iterator[Slice]:
    if not any(name in query.metadata for query in queries):
        known = sorted({each for query in queries for each in query.metadata})
        raise EvaluationError(
            f"no query has the metadata field {name!r}; there are: {', '.join(known) or 'none'}"
        )
    numbers = [query.metadata.get(name) for query in queries]
    if _are_many_numbers(numbers):
        labels, label = _quartiles(name, numbers)
        yield from _grouped(name, queries, label, order=labels)
        return
    counts = Counter(text for number in numbers for text in field_values(number))
    kept = {text for text, _ in counts.most_common(_MOST_VALUES)}
    yield from _grouped(
        name,
        queries,
        lambda query: [
            text if text in kept else OTHER for text in field_values(query.metadata.get(name))
        ],
    )


def _are_many_numbers(values: Sequence[object]) -> bool:
    numbers = {value for value in values if _is_number(value)}
    return len(numbers) > _MOST_NUMBERS and all(
        value is None or _is_number(value) for value in values
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _quartiles(
    name: str, values: Sequence[object]
) -> tuple[list[str], Callable[[Query], list[str]]]:
    """Names of the quarters of all numbers, and what says in which of them a query's own lies."""
    numbers = np.array([value for value in values if _is_number(value)], np.float64)
    cuts = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))
    edges = [f"{cut:g}" for cut in cuts]
    labels = [f"up to {edges[0]}"]
    labels += [f"{low} to {high}" for low, high in pairwise(edges)]
    labels += [f"over {edges[-1]}"]

    def label(query: Query) -> list[str]:
        value = query.metadata.get(name)
        return [NONE] if value is None else [labels[int(np.searchsorted(cuts, value))]]

    return labels, label


def _grouped(
    by: str,
    queries: Sequence[Query],
    values: Callable[[Query], Sequence[str]],
    *,
    order: Sequence[str] = (),
) -> Iterator[Slice]:
    """Slices in `order`, then by falling size; none where all queries say the same."""
    rows: dict[str, list[int]] = {}
    for row, query in enumerate(queries):
        for value in dict.fromkeys(values(query)):
            rows.setdefault(value, []).append(row)
    if len(rows) > 1:
        sized = sorted(rows, key=lambda text: (-len(rows[text]), text))
        known = [value for value in order if value in rows]
        for value in dict.fromkeys([*known, *sized]):
            yield Slice(by, value, np.array(rows[value], np.int64))


def _relevant(qrels: Qrels, query_id: str) -> set[str]:
    return {doc_id for doc_id, grade in qrels.get(query_id, {}).items() if grade > 0}


def _length(text: str) -> str:
    return _LENGTHS[bisect_left((2, 5, 10), len(text.split()))]


def _count(answers: int) -> str:
    return _COUNTS[bisect_left((1, 5), answers)]
