"""Buckets: even ranges over all values of a field that match, with bounds that people read.

Numbers are cut at multiples of 1, 2 or 5 times a power of ten, dates where a unit of the calendar
begins, in UTC. Of all such widths it is the smallest that makes few enough buckets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise

import numpy as np

from molt.index.segments.column import DateColumn, NumberColumn
from molt.index.segments.filters.clauses import Bound, Condition, RangeOperator
from molt.index.segments.matches.facets import BucketFacet, CountedScope, RangeFacet, ValueRange
from molt.index.segments.matches.terms import shown_number
from molt.index.segments.readings import DAY
from molt.index.segments.scalar import INT64, ScalarKind, scalar_of

LEAST_BUCKETS = 2
"""One could not hold both -1 and 1: zero is a multiple of everything."""

_DIGITS = 14
"""Bounds have no more of them than a float can tell apart."""
_SECOND = 1_000_000
_TIMES = (
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(60 * _SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * _SECOND * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 14)),
)
"""Widths in microseconds."""
_MONTHS = (1, 2, 3, 6, *(12 * n * 10**power for power in range(4) for n in (1, 2, 5)), 120_000)
"""Widths in months."""
_MONDAY = 4 * DAY
"""The first one since 1970, from which days and weeks are counted."""


@dataclass(frozen=True)
class FieldExtent:
    """The least and the greatest value; of dates in microseconds since 1970."""

    least: float
    greatest: float


def cut(
    facet: BucketFacet, *, numbers: FieldExtent | None, dates: FieldExtent | None
) -> RangeFacet:
    """The ranges that a bucket facet means: of numbers where there are any, else of dates."""
    edges: list[float] | list[str | None] = []
    if numbers is not None:
        edges = _number_edges(numbers, most=facet.buckets)
    elif dates is not None:
        edges = _date_edges(dates, most=facet.buckets)
    ranges = (_range(facet.field, *pair) for pair in pairwise(edges))
    return RangeFacet(facet.field, tuple(ranges))


def _range(field: str, first: float | str | None, after: float | str | None) -> ValueRange:
    """From one bound up to another one, or without end where that is None."""
    bounds = {
        operator: limit
        for operator, limit in ((RangeOperator.GTE, first), (RangeOperator.LT, after))
        if limit is not None and limit not in (math.inf, -math.inf)
    }
    tests = tuple(
        Bound(operator, scalar)
        for operator, limit in bounds.items()
        if (scalar := scalar_of(limit)) is not None
    )
    where = Condition(field, tests, exists=None if tests else True)
    return ValueRange(where, {str(name): limit for name, limit in bounds.items()})


def extent_of(field: str, kind: ScalarKind, parts: Sequence[CountedScope]) -> FieldExtent | None:
    """What the numbers or dates of a field that match lie between; None where there are none."""
    found: list[float] = []
    for part in parts:
        attributes = part.scope.segment.attributes
        column = attributes.column(field, kind)
        if isinstance(column, NumberColumn | DateColumn):
            kept = np.flatnonzero(part.documents[attributes.rows[column.lines]])
            found += [_value(column, place) for place in (*kept[:1].tolist(), *kept[-1:].tolist())]
    return FieldExtent(min(found), max(found)) if found else None


def _value(column: NumberColumn | DateColumn, place: int) -> float:
    if isinstance(column, DateColumn):
        return int(column.moments[place])
    rest = 0 if column.rests is None else int(column.rests[place])
    return shown_number(float(column.values[place]), rest)


def _number_edges(extent: FieldExtent, *, most: int) -> list[float]:
    """Where at most `most` buckets begin, and the last one ends."""
    width = extent.greatest / most - extent.least / most
    size = max(abs(extent.least), abs(extent.greatest))
    exponent = math.floor(math.log10(width)) - 1 if width > 0 else 0
    if size > 0:
        exponent = max(exponent, math.floor(math.log10(size)) - _DIGITS)
    widths = ((step, power) for power in count(exponent) for step in (1, 2, 5))
    first, last, step, power = next(
        (first, last, step, power)
        for step, power in widths
        for first in [_multiples(extent.least, step, power)]
        for last in [_multiples(extent.greatest, step, power)]
        if last - first < most
    )
    return [_edge(step * n, power) for n in range(first, last + 2)]


def _multiples(value: float, step: int, power: int) -> int:
    """How many times `step` times ten to the `power` goes into `value`, rounded down.

    As it is written, since bounds are decimals, too: those of up to 15 digits are different floats.
    What is an integer of 64 bits is taken for what it is, as such bounds are.
    """
    exact = value == math.floor(value) and int(value) in INT64
    numerator, denominator = Fraction(int(value) if exact else str(value)).as_integer_ratio()
    up: int = 10 ** max(-power, 0)
    down: int = 10 ** max(power, 0)
    return numerator * up // (denominator * step * down)


def _edge(digits: int, power: int) -> float:
    """`digits` times ten to the `power`: exactly where that is an integer of 64 bits."""
    whole: int = digits * 10 ** max(power, 0)
    if power >= 0 and whole in INT64:
        return whole
    return shown_number(float(f"{digits}e{power}"), 0)


def _date_edges(extent: FieldExtent, *, most: int) -> list[str | None]:
    """As of numbers; None for a bound that is no date, beyond the years 0 to 9999."""
    least, greatest = int(extent.least), int(extent.greatest)
    for width in _TIMES:
        origin = _MONDAY if width >= DAY else 0
        first, last = (least - origin) // width, (greatest - origin) // width
        if last - first < most:
            edges = (origin + n * width for n in range(first, last + 2))
            return [_date(edge, whole=width >= DAY) for edge in edges]
    for width in _MONTHS:
        first, last = _month(least) // width, _month(greatest) // width
        if last - first < most:
            return [_first_of(n * width) for n in range(first, last + 2)]
    return [None, None]  # a date before the year 0 and one after it


def _month(moment: int) -> int:
    """The month of a moment, counted from January of the year 0."""
    since = np.datetime64(moment, "us").astype("datetime64[M]").astype(int)
    return 1970 * 12 + int(since)


def _first_of(month: int) -> str | None:
    year = month // 12
    return f"{year:04}-{month % 12 + 1:02}-01" if year in range(10_000) else None


def _date(moment: int, *, whole: bool) -> str | None:
    """A moment as a date that filters take, without its time where that is midnight."""
    if not 0 <= _month(moment) < 120_000:
        return None
    written = np.datetime_as_string(np.datetime64(moment, "us"), unit="D" if whole else "s")
    return str(written) if whole else f"{written}Z"
