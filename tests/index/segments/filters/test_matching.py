"""Matching: the rows that a filter keeps, against an evaluator written without any index."""

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molt.index.segments.attributes import attributes_of, merged_attributes, read_attributes
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.filters.matching import matching_documents, matching_rows
from tests.index.segments.filters.filter_oracle import documents, filters, oracle

PRODUCTS = [
    {"brand": "acme", "price": 10, "tags": ["a", "b"], "released": "2024-03-01"},
    {"brand": "acme", "price": 49.5, "sold": True, "released": "2023-12-31"},
    {"brand": "zeta", "price": [5, 100], "tags": ["c"], "sold": False},
    {"brand": 1, "sold": "yes"},
    {"sold": None},
]


def kept(where, metadata=PRODUCTS):
    ids = [f"d{place}" for place in range(len(metadata))]
    mask = matching_documents(parse_filter(where), ids=ids, metadata=metadata)
    return mask.nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"not": {}}, []),
        ({"field": "brand", "eq": "acme"}, [0, 1]),
        ({"field": "brand", "eq": 1}, [3]),
        ({"field": "brand", "ne": "acme"}, [2, 3, 4]),
        ({"field": "brand", "ne": "acme", "exists": True}, [2, 3]),
        ({"field": "tags", "ne": "a"}, [1, 2, 3, 4]),
        ({"field": "brand", "in": ["zeta", 1, "nobody"]}, [2, 3]),
        ({"field": "brand", "prefix": "ac"}, [0, 1]),
        ({"field": "brand", "prefix": "AC"}, []),
        ({"field": "brand", "prefix": ""}, [0, 1, 2]),
        ({"field": "brand", "contains": "e"}, [0, 1, 2]),
        ({"field": "brand", "contains": "e", "gt": "b"}, [2]),
        ({"field": "price", "gte": 10, "lt": 50}, [0, 1]),
        ({"field": "price", "gt": 10}, [1, 2]),
        ({"field": "price", "lte": 10}, [0, 2]),
        ({"field": "tags", "eq": "b"}, [0]),
        ({"field": "sold", "eq": True}, [1]),
        ({"field": "sold", "eq": 1}, []),
        ({"field": "sold", "exists": True}, [1, 2, 3]),
        ({"field": "sold", "exists": False}, [0, 4]),
        ({"field": "sold", "is_null": True}, [4]),
        ({"field": "sold", "exists": False, "is_null": False}, [0]),
        ({"field": "never", "exists": False}, [0, 1, 2, 3, 4]),
        ({"field": "released", "gte": "2024-01-01"}, [0]),
        ({"field": "released", "gte": "2024"}, [0]),
        ({"field": "released", "prefix": "2023-", "lt": "2024-01-01"}, [1]),
        ({"field": "brand", "eq": "acme", "exists": False}, []),
        ({"field": "brand", "eq": "acme", "gte": 1}, []),
        ({"not": {"field": "brand", "eq": "acme"}}, [2, 3, 4]),
        ({"all": [{"field": "brand", "eq": "acme"}, {"field": "price", "lt": 20}]}, [0]),
        ({"any": [{"field": "tags", "eq": "c"}, {"field": "price", "eq": 10}]}, [0, 2]),
        ({"field": "id", "eq": "d1"}, [1]),
        ({"field": "id", "in": ["d0", "d\0", "d4"]}, [0, 4]),
        ({"field": "id", "gt": "d1", "lte": "d3"}, [2, 3]),
        ({"field": "id", "prefix": "d"}, [0, 1, 2, 3, 4]),
        ({"field": "id", "ne": "d2"}, [0, 1, 3, 4]),
    ],
)
def test_a_filter_keeps_the_documents_it_describes(where, rows):
    assert kept(where) == rows


def test_a_whole_number_is_the_id_of_its_digits():
    ids = ["10", "1e1", "10.0", "1.5", "9007199254740993"]
    expected = {10: [0], "1e1": [1], 1.5: [3], 2**53 + 1: [4], 2**53: []}
    for number, rows in expected.items():
        where = parse_filter({"field": "id", "eq": number})
        assert matching_documents(where, ids=ids, metadata=[{}] * 5).nonzero()[0].tolist() == rows
    where = parse_filter({"field": "id", "ne": 10, "in": [10, 1.5]})
    assert matching_documents(where, ids=ids, metadata=[{}] * 5).nonzero()[0].tolist() == [3]


def test_one_value_must_satisfy_every_operator_on_its_field():
    assert kept({"field": "price", "gte": 10, "lt": 50}, [{"price": [5, 100]}]) == []


def test_a_text_that_is_a_number_is_compared_as_one_beside_numbers_and_other_texts():
    prices = [9, "9.5", 12, "12", 12.5, "n/a", "1e1", None, "012", "nan", True]
    metadata = [{"price": price} for price in prices]
    assert kept({"field": "price", "lte": 12}, metadata) == [0, 1, 2, 3, 6]
    assert kept({"field": "price", "eq": 12}, metadata) == [2, 3]
    assert kept({"field": "price", "eq": "12"}, metadata) == [3]
    assert kept({"field": "price", "gte": "n"}, metadata) == [5, 9]


def test_integers_of_64_bits_are_compared_exactly_with_each_other_and_with_fractions():
    top, text = 2**63, "9007199254740993"
    numbers = [2**53, 2**53 + 1, 2**53 + 2, 2.0**53, top - 1, float(top), -top, text]
    metadata = [{"n": number} for number in numbers]
    assert kept({"field": "n", "eq": 2**53 + 1}, metadata) == [1, 7]
    assert kept({"field": "n", "in": [2**53, 2**63 - 1]}, metadata) == [0, 3, 4]
    assert kept({"field": "n", "gt": 2.0**53, "lt": 2**53 + 2}, metadata) == [1, 7]
    assert kept({"field": "n", "gte": 2.0**63}, metadata) == [5]
    assert kept({"field": "n", "lte": -(2**63)}, metadata) == [6]
    assert kept({"field": "n", "eq": 2**53 + 1}, [{"n": 2**53}]) == []
    assert kept({"field": "n", "lt": 2**53 + 1}, [{"n": 2**53 + 1}, {"n": str(2**53)}]) == [1]


def test_dates_are_compared_as_instants_whatever_their_zones():
    dates = [
        "2024-03-01T10:30:00+02:00",
        "2024-03-01T09:00:00Z",
        "2024-03-01 08:15",
        "2024-03-01",
        "2024-02-29T23:30:00-01:00",
        "soon",
        20240301,
    ]
    metadata = [{"at": date} for date in dates]
    assert kept({"field": "at", "lt": "2024-03-01T09:00:00Z"}, metadata) == [0, 2, 3, 4]
    assert kept({"field": "at", "eq": "2024-03-01T08:30:00Z"}, metadata) == [0]
    assert kept({"field": "at", "in": ["soon", "2024-03-01T11:00+02:00"]}, metadata) == [1, 5]


def test_a_date_without_a_time_bounds_by_the_whole_day():
    dates = ["2024-02-29", "2024-03-01", "2024-03-01T23:59:59.999999Z", "2024-03-02"]
    metadata = [{"at": date} for date in dates]
    expected = {"lt": [0], "lte": [0, 1, 2], "gt": [3], "gte": [1, 2, 3], "eq": [1, 2]}
    for name, rows in expected.items():
        assert kept({"field": "at", name: "2024-03-01"}, metadata) == rows


OFFERS = [
    {"offers": [{"shop": "a", "price": 5}, {"shop": "b", "price": 50}]},
    {"offers": [{"shop": "a", "price": 50, "id": 7}, {"shop": "b"}]},
    {"offers": {"shop": "b", "price": [50, 60]}},
    {"offers": []},
    {"offers.price": 50, "offers.shop": "b"},
]


@pytest.mark.parametrize(
    ("inner", "rows"),
    [
        ({"all": [{"field": "shop", "eq": "b"}, {"field": "price", "gte": 50}]}, [0, 2]),
        ({"all": [{"field": "shop", "eq": "a"}, {"field": "price", "lt": 10}]}, [0]),
        ({"not": {"field": "price", "exists": True}}, [1]),
        ({"field": "id", "eq": 7}, [1]),
        ({"field": "price", "ne": 50}, [0, 1]),
        ({}, [0, 1, 2]),
    ],
)
def test_conditions_on_an_element_are_satisfied_by_one_object(inner, rows):
    assert kept({"field": "offers", "any_element": inner}, OFFERS) == rows


NESTED = [
    {"a": [{"n": 1, "b": [{"c": {"d": 1}}, {"c": {"d": 2}}]}]},
    {"a": [{"n": 1, "b": [{"c": {"d": 1}}]}, {"n": 2, "b": [{"c": {"d": 2}}]}]},
]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_elements_nest_after_a_merge_as_before(order):
    where = {
        "field": "a",
        "any_element": {
            "all": [
                {"field": "n", "eq": 1},
                {"field": "b", "any_element": {"field": "c.d", "eq": 2}},
            ]
        },
    }
    assert kept(where, NESTED) == [0]
    parts = [attributes_of([{"a": {"b": {}}}, one]) for one in NESTED]
    moved = [np.array([-1, order[0]]), np.array([-1, order[1]])]
    merged = merged_attributes(zip(parts, moved, strict=True))
    mask = matching_rows(parse_filter(where), merged, n_rows=2)
    assert mask.nonzero()[0].tolist() == [order[0]]


@settings(max_examples=300)
@given(st.lists(documents, min_size=1, max_size=8), filters)
def test_matching_agrees_with_an_evaluator_without_an_index(metadata, where):
    expected = [row for row, document in enumerate(metadata) if oracle(where, document)]
    assert kept(where, metadata) == expected


@settings(max_examples=60)
@given(st.lists(documents, min_size=2, max_size=8), filters, st.data())
def test_it_agrees_after_merges_and_after_reopening(metadata, where, data):
    parts = [metadata[: len(metadata) // 2], metadata[len(metadata) // 2 :]]
    order = np.array(data.draw(st.permutations(range(len(metadata)))), np.int64)
    dead = data.draw(st.sets(st.integers(0, len(metadata) - 1)))
    moved = np.array([-1 if at in dead else row for at, row in enumerate(order)], np.int64)
    with TemporaryDirectory() as folder:
        opened = []
        for place, part in enumerate(parts):
            attributes_of(part).write(Path(folder, f"{place}"))
            opened.append(read_attributes(Path(folder, f"{place}")))
        half = len(parts[0])
        merged = merged_attributes([(opened[0], moved[:half]), (opened[1], moved[half:])])
        merged.write(Path(folder, "merged"))
        again = read_attributes(Path(folder, "merged"))
    expected = {row for row, one in zip(moved, metadata, strict=True) if oracle(where, one)} - {-1}
    mask = matching_rows(parse_filter(where), again, n_rows=len(metadata))
    assert {row for row in mask.nonzero()[0] if row in moved} == expected


def as_before(metadata, path):
    """Attributes as the version before kept them: no objects, nulls and rests of integers."""
    frame = attributes_of(metadata).frame
    known = frame.filter(~frame["kind"].is_in(["null", "object"]))
    known.drop("rest", "element").write_parquet(path)
    return read_attributes(path)


def rows_of(where, attributes, n_rows):
    return matching_rows(parse_filter(where), attributes, n_rows=n_rows).nonzero()[0].tolist()


LARGE = 1234567890123456789
ROUNDED = [
    ({"field": "uid", "eq": LARGE}, [0]),
    ({"field": "uid", "in": [LARGE, 7]}, [0, 1]),
    ({"field": "uid", "gte": LARGE}, [0, 2]),
    ({"field": "uid", "lte": LARGE}, [0, 1]),
    ({"field": "uid", "gt": LARGE - 1}, [2]),
    ({"field": "uid", "ne": LARGE}, [1, 2]),
    ({"not": {"field": "uid", "eq": LARGE}}, [1, 2]),
]


@pytest.mark.parametrize("small", [7, "7"])
@pytest.mark.parametrize(("where", "rows"), ROUNDED)
def test_integers_of_an_earlier_version_are_found_by_the_nearest_number(
    where, rows, small, tmp_path
):
    metadata = [{"uid": LARGE}, {"uid": small}, {"uid": LARGE + 10**6}]
    earlier = as_before(metadata, tmp_path / "earlier")
    assert rows_of(where, earlier, 3) == rows


@pytest.mark.parametrize(("where", "rows"), ROUNDED)
def test_rounded_integers_stay_known_as_such_after_merges(where, rows, tmp_path):
    earlier = as_before([{"uid": LARGE}, {"uid": 7}], tmp_path / "earlier")
    later = attributes_of([{"uid": LARGE + 10**6}], ids=["d"])
    merged = merged_attributes([(later, np.array([2])), (earlier, np.array([0, 1]))])
    merged.write(tmp_path / "merged")
    again = read_attributes(tmp_path / "merged")
    assert again.frame.equals(merged.frame)
    assert rows_of(where, merged, 3) == rows_of(where, again, 3) == rows


def test_an_object_exists_in_what_an_earlier_version_kept_as_it_does_now(tmp_path):
    metadata = [{"size": {"height": 3, "unit": {"name": "m"}}}, {"size-": 1}, {"size/": 1}, {}]
    parts = [attributes_of(metadata), as_before(metadata, tmp_path / "earlier")]
    merged = merged_attributes([(parts[0], np.array([0, 1, -1, 3])), (parts[1], np.arange(4))])
    for attributes in (*parts, merged):
        for field in ("size", "size.unit", "size.unit.name"):
            assert rows_of({"field": field, "exists": True}, attributes, 4) == [0]
            assert rows_of({"field": field, "exists": False}, attributes, 4) == [1, 2, 3]
        assert rows_of({"field": "siz", "exists": True}, attributes, 4) == []


def test_many_large_integers_and_dates_are_looked_for_at_once(monkeypatch):
    search = Mock(side_effect=np.searchsorted)
    monkeypatch.setattr(np, "searchsorted", search)
    numbers = [2**53 + n for n in range(500)]
    wanted = numbers[::2] + [2**60 + n for n in range(500)]
    assert kept({"field": "n", "in": wanted}, [{"n": n} for n in numbers]) == [*range(0, 500, 2)]
    dates = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    assert len(kept({"field": "at", "in": dates}, [{"at": f"{one}T09:00"} for one in dates])) == 336
    assert search.call_count < 20
