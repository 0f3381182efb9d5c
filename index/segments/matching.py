"""Matching: which documents of a segment a filter keeps, and whether it can be asked at all.

Each test on a field becomes a run of lines in `Attributes`, found by binary search; nothing is
scanned but what matches.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import reduce
from itertools import islice

import numpy as np
import numpy.typing as npt

from molt.index.errors import FilterError, UnknownFieldError
from molt.index.segments.attributes import Attributes, Column
from molt.index.segments.filter import (
    All,
    AnyOf,
    Bound,
    Comparison,
    Condition,
    Filter,
    Not,
    OneOf,
    conditions,
)
from molt.index.segments.scalar import Kind

Mask = npt.NDArray[np.bool_]
_Span = tuple[int, int]
_MAX_COMPARED = 1_000


def matching_rows(where: Filter, attributes: Attributes, *, n_rows: int) -> Mask:
    """A mask `(n_rows,)`: true on the first row of every document that `where` keeps.

    Rows that are not the first of their document are meaningless.
    """
    match where:
        case Condition():
            return _condition_mask(where, attributes, n_rows=n_rows)
        case Not(part):
            return ~matching_rows(part, attributes, n_rows=n_rows)
        case All(parts) | AnyOf(parts):
            masks = (matching_rows(part, attributes, n_rows=n_rows) for part in parts)
            combine = np.logical_and if isinstance(where, All) else np.logical_or
            return reduce(lambda left, right: combine(left, right, out=left), masks)


def check_fields(where: Filter, segments: Sequence[Attributes]) -> None:
    """Raise `UnknownFieldError` for a field that nobody has, `FilterError` for an impossible range.

    Asking whether an unknown field exists is allowed: nobody has it.
    """
    for path, condition in conditions(where):
        if not condition.tests:
            continue
        kinds = frozenset[Kind]().union(*(one.kinds(condition.field) for one in segments))
        if not kinds:
            raise _unknown(condition.field, segments, path=path)
        _check_range(condition, kinds, path=path)


def _check_range(condition: Condition, kinds: frozenset[Kind], *, path: str) -> None:
    for test in condition.tests:
        if isinstance(test, Bound) and test.limit.kind not in kinds:
            held = " and ".join(sorted(kinds))
            reason = f"{condition.field!r} holds {held}, not {test.limit.kind}; bound it by {held}"
            raise FilterError(f"{path}.{test.comparison}", reason)


def _unknown(field: str, segments: Iterable[Attributes], *, path: str) -> UnknownFieldError:
    known = sorted({name for one in segments for name in one.fields})
    nearest = sorted(known, key=lambda name: abs(len(name) - len(field)))
    close = get_close_matches(field, islice(nearest, _MAX_COMPARED), cutoff=0.6)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else _listing(known)
    return UnknownFieldError(f"{path}.field", f"no document has a field {field!r}; {hint}")


def _listing(known: Sequence[str]) -> str:
    if not known:
        return "no document has any metadata"
    more = ", ..." if len(known) > 10 else ""
    return f"there are {', '.join(map(repr, known[:10]))}{more}"


def _condition_mask(condition: Condition, attributes: Attributes, *, n_rows: int) -> Mask:
    mask = np.zeros(n_rows, dtype=bool)
    if condition.tests:
        for kind in Kind:
            column = attributes.column(condition.field, kind)
            if column is not None:
                for start, stop in _spans(condition, column, kind=kind):
                    mask[column.rows[start:stop]] = True
        return mask if condition.exists is not False else np.zeros_like(mask)
    mask[attributes.rows_with(condition.field)] = True
    return mask if condition.exists else ~mask


def _spans(condition: Condition, column: Column, *, kind: Kind) -> list[_Span]:
    """Where in `column` the values lie that satisfy every test."""
    found = [(0, len(column.rows))]
    for test in condition.tests:
        found = _common(found, _test_spans(test, column, kind=kind))
    return found


def _test_spans(test: OneOf | Bound, column: Column, *, kind: Kind) -> list[_Span]:
    if isinstance(test, OneOf):
        values = [scalar.value for scalar in test.values if scalar.kind is kind]
        return sorted(column.spans(values))
    if test.limit.kind is not kind:
        return []
    limit, size = test.limit.value, len(column.rows)
    match test.comparison:
        case Comparison.GT:
            return [(column.up_to(limit), size)]
        case Comparison.GTE:
            return [(column.below(limit), size)]
        case Comparison.LT:
            return [(0, column.below(limit))]
        case Comparison.LTE:
            return [(0, column.up_to(limit))]


def _common(left: list[_Span], right: list[_Span]) -> list[_Span]:
    pairs = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return [(start, stop) for start, stop in pairs if start < stop]
