"""Where buckets begin and end, whatever they are of."""

from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from molt.index.segments.filters.matching import matching_documents
from molt.index.segments.matches.buckets import FieldExtent, cut
from molt.index.segments.matches.facets import BucketFacet, RangeFacet
from molt.index.segments.readings import read_date


def cut_numbers(least: float, greatest: float, *, buckets: int = 5) -> list[object]:
    facet = cut(BucketFacet("n", buckets), numbers=FieldExtent(least, greatest), dates=None)
    return [dict(one.bounds) for one in facet.ranges]


def cut_dates(least: str, greatest: str, *, buckets: int = 5) -> list[tuple[object, object]]:
    first, last = read_date(least), read_date(greatest)
    assert first is not None
    assert last is not None
    dates = FieldExtent(first.first, last.first)
    facet = cut(BucketFacet("n", buckets), numbers=None, dates=dates)
    return [(one.bounds.get("gte"), one.bounds.get("lt")) for one in facet.ranges]


def test_numbers_are_cut_at_round_ones() -> None:
    assert cut_numbers(3, 97, buckets=10) == [{"gte": n, "lt": n + 10} for n in range(0, 100, 10)]
    assert cut_numbers(0.11, 0.29, buckets=2) == [{"gte": 0.1, "lt": 0.2}, {"gte": 0.2, "lt": 0.3}]
    assert cut_numbers(-1, 1, buckets=2) == [{"gte": -2, "lt": 0}, {"gte": 0, "lt": 2}]


def test_one_value_is_in_one_bucket() -> None:
    assert cut_numbers(7, 7) == [{"gte": 7, "lt": 8}]
    assert cut_numbers(0, 0) == [{"gte": 0, "lt": 1}]


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)


@example(-6.93838137407255e16, -6.93838137407255e16, 6)
@example(-4061186310139376291, -4.06118631013938e18, 33)
@given(numbers, numbers, st.integers(2, 50))
def test_every_number_is_in_exactly_one_of_few_buckets(one, other, buckets):
    least, greatest = sorted([one, other])
    facet = cut(BucketFacet("n", buckets), numbers=FieldExtent(least, greatest), dates=None)
    assert 1 <= len(facet.ranges) <= buckets
    check_partition(facet, [least, greatest])


moments = st.datetimes().map(lambda when: f"{when:%Y-%m-%dT%H:%M:%S}".rjust(19, "0"))


@given(moments, moments, st.integers(2, 50))
def test_every_date_is_in_exactly_one_of_few_buckets(one, other, buckets):
    dates = [found.first for text in (one, other) if (found := read_date(text))]
    assume(len(dates) == 2)
    facet = cut(BucketFacet("n", buckets), numbers=None, dates=FieldExtent(min(dates), max(dates)))
    assert 1 <= len(facet.ranges) <= buckets
    check_partition(facet, [one, other])


def check_partition(facet: RangeFacet, values: list[object]) -> None:
    metadata = [{"n": value} for value in values]
    kept = [
        matching_documents(one.where, ids=["a", "b"], metadata=metadata) for one in facet.ranges
    ]
    assert (sum(mask.astype(int) for mask in kept) == 1).all()
    for one, after in pairwise(facet.ranges):
        assert one.bounds["lt"] == after.bounds["gte"]


@pytest.mark.parametrize(
    ("least", "greatest", "first", "n_buckets"),
    [
        ("2024-03-01T09:00:07Z", "2024-03-01T09:00:08Z", "2024-03-01T09:00:07Z", 2),
        ("2024-03-01T09:00:07Z", "2024-03-01T13:00:08Z", "2024-03-01T09:00:00Z", 5),
        ("2024-03-01T09:00:07Z", "2024-03-05T13:00:08Z", "2024-03-01", 5),
        ("2024-03-01", "2024-03-25", "2024-02-26", 5),
        ("2024-03-02", "2024-07-25", "2024-03-01", 5),
        ("2019-03-02", "2024-07-25", "2018-01-01", 4),
        ("1969-12-31T23:00:00Z", "1970-01-02", "1969-12-31T12:00:00Z", 4),
    ],
)
def test_dates_are_cut_where_a_unit_of_the_calendar_begins(
    least: str, greatest: str, first: str, n_buckets: int
) -> None:
    found = cut_dates(least, greatest)
    assert (found[0][0], len(found)) == (first, n_buckets)


def test_bounds_that_are_no_date_are_left_out() -> None:
    assert cut_dates("9998-05-01", "9999-05-01", buckets=2)[-1][1] is None
