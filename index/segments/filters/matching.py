"""Matching: which documents of a segment a filter keeps.

Each test on a field becomes runs of lines in `Attributes`, found by binary search; but for
`contains`, nothing is scanned but what matches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from molt.index.segments.attributes import Attributes, attributes_of
from molt.index.segments.column import (
    Column,
    DateColumn,
    Extent,
    LineNumbers,
    TextColumn,
    lines_at,
)
from molt.index.segments.exact import Mask
from molt.index.segments.filters import clauses
from molt.index.segments.readings import DateSpan
from molt.index.segments.scalar import ID_FIELD, ScalarKind


def matching_rows(where: clauses.Filter, attributes: Attributes, *, n_rows: int) -> Mask:
    """A mask `(n_rows,)`: true on the first row of every document that `where` keeps.

    Rows that are not the first of their document are meaningless.
    """
    return _View(attributes, n_rows).matching(where)


def matching_documents(
    where: clauses.Filter, *, ids: Sequence[str], metadata: Sequence[Mapping[str, Any]]
) -> Mask:
    """A mask `(n,)` of those of n documents that `where` keeps, as if they were indexed."""
    return matching_rows(where, attributes_of(metadata, ids=ids), n_rows=len(metadata))


def compared_kinds(condition: clauses.Condition, test: clauses.ValueTest) -> frozenset[ScalarKind]:
    """The kinds of values that may pass a test of `condition`."""
    match test:
        case clauses.OneOf(values):
            kinds = {value.kind for value in values}
            return frozenset(kinds | {ScalarKind.DATE} if _dates(condition, test) else kinds)
        case clauses.Bound(_, limit) if limit.kind is ScalarKind.TEXT:
            bounds = [one for one in condition.tests if isinstance(one, clauses.Bound)]
            all_dates = all(_dates(condition, one) for one in bounds)
            return frozenset({ScalarKind.DATE if all_dates else ScalarKind.TEXT})
        case clauses.Bound(_, limit):
            return frozenset({limit.kind})
        case clauses.Prefix() | clauses.Contains():
            return frozenset({ScalarKind.TEXT})


def _dates(
    condition: clauses.Condition, test: clauses.OneOf | clauses.Bound
) -> tuple[DateSpan, ...]:
    """The dates that a test names; ids are never compared as dates."""
    return () if condition.field == ID_FIELD else test.dates


@dataclass(frozen=True)
class _View:
    """What a filter is asked of: `size` documents of a segment, or objects within a field.

    `units` says for each nested object (`Elements.counted`) which of the latter it belongs to.
    """

    attributes: Attributes
    size: int
    within: str = ""
    units: npt.NDArray[np.int64] | None = None

    def matching(self, where: clauses.Filter) -> Mask:
        match where:
            case clauses.Condition():
                return self._condition(where)
            case clauses.AnyElement(field, part):
                return self._any_element(self.within + field, part)
            case clauses.Not(part):
                return ~self.matching(part)
            case clauses.All(()):
                return np.ones(self.size, bool)
            case clauses.All(parts) | clauses.AnyOf(parts):
                masks = (self.matching(part) for part in parts)
                combine = np.logical_and if isinstance(where, clauses.All) else np.logical_or
                return reduce(lambda left, right: combine(left, right, out=left), masks)

    def _condition(self, condition: clauses.Condition) -> Mask:
        mask = self._passing(condition) if condition.tests else np.ones(self.size, bool)
        if condition.excluded is not None:
            excluding = clauses.Condition(condition.field, (condition.excluded,))
            mask &= ~self._passing(excluding)
        field = self.within + condition.field
        if condition.exists is not None:
            mask &= self._existing(field) == condition.exists
        if condition.is_null is not None:
            mask &= self._having(field, {ScalarKind.NULL}) == condition.is_null
        return mask

    def _passing(self, condition: clauses.Condition) -> Mask:
        """Where one value passes every test."""
        mask = np.zeros(self.size, bool)
        field = self.within + condition.field
        for lines in _passing_lines(condition, self.attributes, field=field):
            self._mark(mask, lines)
        return mask

    def _existing(self, field: str) -> Mask:
        """Where the field has a value; objects that are not known by what they hold."""
        mask = self._having(field, self.attributes.kinds(field) - {ScalarKind.NULL})
        if not self.attributes.complete:
            self._mark(mask, self.attributes.within(field))
        return mask

    def _having(self, field: str, kinds: frozenset[ScalarKind] | set[ScalarKind]) -> Mask:
        mask = np.zeros(self.size, bool)
        for kind in kinds:
            self._mark(mask, self.attributes.lines(field, kind))
        return mask

    def _any_element(self, field: str, part: clauses.Filter) -> Mask:
        mask = np.zeros(self.size, bool)
        lines = self.attributes.lines(field, ScalarKind.OBJECT)
        units = self.attributes.elements_of(field)
        inside = _View(self.attributes, lines.stop - lines.start, f"{field}.", units)
        self._mark(mask, lines.start + np.flatnonzero(inside.matching(part)))
        return mask

    def _mark(self, mask: Mask, lines: LineNumbers) -> None:
        """Set the mask for what has these lines."""
        if self.units is None:
            mask[self.attributes.rows[lines]] = True
        else:
            units = self.units[self.attributes.elements.of_lines[lines]]
            mask[units[units >= 0]] = True


def _passing_lines(
    condition: clauses.Condition, attributes: Attributes, *, field: str
) -> Iterator[LineNumbers]:
    """The lines of a field's values that pass every test of a condition."""
    kinds = [compared_kinds(condition, test) for test in condition.tests]
    alike = len(kinds) == 1 or (len({*kinds}) == 1 and len(kinds[0]) == 1)
    if not alike or any(isinstance(test, clauses.Contains) for test in condition.tests):
        yield _lines_in_common(condition, attributes, field=field)
        return
    for kind in kinds[0]:
        column = attributes.column(field, kind)
        if column is not None:
            spans = [_spans(condition, test, column, kind=kind) for test in condition.tests]
            for start, stop in reduce(_common, spans):
                yield lines_at(column.lines, start, stop)


def _lines_in_common(
    condition: clauses.Condition, attributes: Attributes, *, field: str
) -> npt.NDArray[np.int64]:
    """As `_passing_lines`, where a text passes one test as itself and another one as a date."""
    extent = attributes.extent(field)
    kept = np.ones(extent.stop - extent.start, bool)
    for test in condition.tests:
        passing = np.zeros(len(kept), bool)
        for kind in compared_kinds(condition, test):
            column = attributes.column(field, kind)
            if column is not None:
                for lines in _test_lines(condition, test, column, kind=kind):
                    passing[_numbers(lines) - extent.start] = True
        kept &= passing
    common: npt.NDArray[np.int64] = extent.start + np.flatnonzero(kept)
    return common


def _test_lines(
    condition: clauses.Condition, test: clauses.ValueTest, column: Column, *, kind: ScalarKind
) -> Iterator[LineNumbers]:
    if isinstance(test, clauses.Contains) and isinstance(column, TextColumn):
        yield _numbers(column.lines)[column.containing(test.text)]
        return
    for start, stop in _spans(condition, test, column, kind=kind):
        yield lines_at(column.lines, start, stop)


def _numbers(lines: LineNumbers) -> npt.NDArray[np.int64]:
    return np.arange(lines.start, lines.stop) if isinstance(lines, slice) else lines


def _spans(
    condition: clauses.Condition, test: clauses.ValueTest, column: Column, *, kind: ScalarKind
) -> list[Extent]:
    """Where in `column`, which has values of `kind`, those lie that pass."""
    if isinstance(test, clauses.Prefix | clauses.Contains):
        return [column.beginning(test.text)] if isinstance(column, TextColumn) else []
    if isinstance(column, DateColumn):
        dates = _dates(condition, test)
        if isinstance(test, clauses.OneOf):
            return sorted(column.equal(dates))
        [date] = dates
        return [_side(test, column.below(date), column.up_to(date), size=len(column))]
    if isinstance(test, clauses.OneOf):
        return sorted(column.equal(value for value in test.values if value.kind is kind))
    limit = test.limit
    return [_side(test, column.below(limit), column.up_to(limit), size=len(column))]


def _side(bound: clauses.Bound, below: int, up_to: int, *, size: int) -> Extent:
    """Which of `size` values, of which so many are below the bound or up to it, are on its side."""
    match bound.comparison:
        case clauses.RangeOperator.GT:
            return up_to, size
        case clauses.RangeOperator.GTE:
            return below, size
        case clauses.RangeOperator.LT:
            return 0, below
        case clauses.RangeOperator.LTE:
            return 0, up_to


def _common(left: list[Extent], right: list[Extent]) -> list[Extent]:
    pairs = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return [(start, stop) for start, stop in pairs if start < stop]
