"""Kind counts: how many documents hold which kinds of values, and what a filter leaves uncompared.

A field of mixed kinds is searched all the same, each value by its own kind; whoever asks is told
what was left out by that.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.segments.attributes import Attributes
from molt.index.segments.exact import Mask, Rows
from molt.index.segments.field_kinds import plural_kinds
from molt.index.segments.filters import clauses
from molt.index.segments.filters.matching import compared_kinds
from molt.index.segments.scalar import ID_FIELD, ScalarKind, shown_field
from molt.index.segments.scope import Scope

MAX_FIELDS_COUNTED = 200
MAX_WARNINGS = 20
_COMPARABLE = (ScalarKind.NUMBER, ScalarKind.TEXT, ScalarKind.BOOLEAN)
_FEW = 20


@dataclass(frozen=True)
class FieldCount:
    """In how many documents `field` has values of each kind."""

    field: str
    kinds: Mapping[ScalarKind, int]

    @property
    def mixed(self) -> bool:
        """Would a range over the field leave some values uncompared?"""
        return len(self.kinds.keys() - {ScalarKind.NULL, ScalarKind.OBJECT}) > 1


def count_fields(scopes: Sequence[Scope]) -> list[FieldCount]:
    """The kinds of the `MAX_FIELDS_COUNTED` fields with the most values, by name.

    A text that is a number or a date counts as that.
    """
    values: Counter[str] = Counter()
    for scope in scopes:
        attributes = scope.segment.attributes
        for field in attributes.fields:
            extent = attributes.extent(field)
            values[field] += extent.stop - extent.start
    chosen = sorted(field for field, _ in values.most_common(MAX_FIELDS_COUNTED))
    counts = (FieldCount(shown_field(field), _field_counts(field, scopes)) for field in chosen)
    return [one for one in counts if one.kinds]


def kind_warnings(where: clauses.Filter, scopes: Sequence[Scope]) -> tuple[str, ...]:
    """What of the fields that `where` names is of a kind that it does not compare, in words."""
    found: dict[str, None] = {}
    for path, condition in clauses.conditions(where):
        if isinstance(condition, clauses.AnyElement) or condition.field == ID_FIELD:
            continue
        for warning in _condition_warnings(condition, scopes, path=path):
            found[warning] = None
        if len(found) >= MAX_WARNINGS:
            break
    return tuple(found)[:MAX_WARNINGS]


def _condition_warnings(
    condition: clauses.Condition, scopes: Sequence[Scope], *, path: str
) -> Iterator[str]:
    field = f"'{shown_field(condition.field)}'"
    bounds = [test for test in condition.tests if isinstance(test, clauses.Bound)]
    for compared in {kind for bound in bounds for kind in compared_kinds(condition, bound)}:
        n_all = sum(scope.n_documents for scope in scopes)
        for kind, count in sorted(_left_out(condition.field, compared, scopes).items()):
            held = f"{field} holds {plural_kinds([kind])} in {count} of {n_all} documents"
            yield f"{path}: {held}; the range compares {plural_kinds([compared])} alone"
    for test in (*condition.tests, condition.excluded):
        if isinstance(test, clauses.OneOf):
            for kind in sorted({value.kind for value in test.values}):
                if not any(_has(scope, condition.field, kind) for scope in scopes):
                    yield f"{path}: {field} holds no {plural_kinds([kind])}; a {kind} equals none"


def _has(scope: Scope, field: str, kind: ScalarKind) -> bool:
    return scope.segment.attributes.has(field, kind)


def _left_out(field: str, compared: ScalarKind, scopes: Sequence[Scope]) -> Counter[ScalarKind]:
    """In how many documents `field` has values of kinds that are not compared."""
    counts: Counter[ScalarKind] = Counter()
    held = frozenset(k for scope in scopes for k in scope.segment.attributes.kinds(field))
    if compared is not ScalarKind.DATE and held & {*_COMPARABLE} <= {compared}:
        return counts
    for scope in scopes:
        found = _uncompared(scope.segment.attributes, field, compared)
        counts += _counted(scope, (field, compared), found)
    return counts


def _uncompared(
    attributes: Attributes, field: str, compared: ScalarKind
) -> Iterator[tuple[ScalarKind, Rows]]:
    """The rows of values, by kind, that a bound of the kind `compared` is not compared with."""
    for kind in _COMPARABLE:
        lines = attributes.lines(field, kind)
        if lines.stop == lines.start or kind is compared:
            continue
        rows = attributes.rows[lines]
        if kind is ScalarKind.TEXT:
            numbers, dates = attributes.readings(field)
            read = numbers if compared is ScalarKind.NUMBER else dates
            rows = np.delete(rows, read.places)
        yield kind, rows


def _field_counts(field: str, scopes: Iterable[Scope]) -> Mapping[ScalarKind, int]:
    counts: Counter[ScalarKind] = Counter()
    for scope in scopes:
        found = _rows_by_kind(scope.segment.attributes, field)
        counts += _counted(scope, (field, None), found)
    return dict(sorted(counts.items()))


def _counted(
    scope: Scope,
    key: tuple[str, ScalarKind | None],
    found: Iterable[tuple[ScalarKind, Rows]],
) -> Counter[ScalarKind]:
    """In how many documents of a scope each kind was found; counted once."""
    if key not in scope.counted:
        counts = Counter({kind: _n_documents(scope, rows) for kind, rows in found})
        scope.counted[key] = +counts
    return scope.counted[key]


def _rows_by_kind(attributes: Attributes, field: str) -> Iterator[tuple[ScalarKind, Rows]]:
    held = attributes.kinds(field)
    for kind in held - {ScalarKind.TEXT, ScalarKind.NUMBER}:
        yield kind, attributes.rows[attributes.lines(field, kind)]
    for kind in (ScalarKind.NUMBER, ScalarKind.DATE):
        if held & {ScalarKind.TEXT, kind} and (column := attributes.column(field, kind)):
            yield kind, attributes.rows[column.lines]
    if ScalarKind.TEXT in held:
        numbers, dates = attributes.readings(field)
        rows = attributes.rows[attributes.lines(field, ScalarKind.TEXT)]
        yield ScalarKind.TEXT, np.delete(rows, np.concatenate([numbers.places, dates.places]))


def _n_documents(scope: Scope, rows: Rows) -> int:
    """How many documents of a scope have one of `rows`, their first ones."""
    live = rows if scope.mask is None else rows[scope.mask[rows]]
    if len(live) * _FEW < len(scope.segment):
        return len(np.unique(live))
    marked: Mask = np.zeros(len(scope.segment), bool)
    marked[live] = True
    return int(np.count_nonzero(marked))
