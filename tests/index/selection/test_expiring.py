"""What metadata say of the expiry is what a filter on the same field would find."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.expiries import Stated
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.filters.matching import matching_documents
from molt.index.selection.expiring import (
    expiry_reader,
    expiry_warnings,
    has_expired,
    read_expiry,
    state_warnings,
    wall_clock,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


NOON = micros(datetime(2026, 11, 30, 12, tzinfo=UTC))
DATES = st.one_of(
    st.integers(0, 23).map(lambda hour: f"2026-11-30T{hour:02}:30:00Z"),
    st.sampled_from(["2026-11-30", "2026-11-30T14:00:00+02:00", "2026-11-30 12:00", "2026-11"]),
)
VALUES = st.one_of(DATES, st.sampled_from([None, "", "n/a", True, 1_700_000_000, "1700000000"]))
METADATA = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"until": st.one_of(VALUES, st.lists(VALUES, max_size=3))}),
    st.fixed_dictionaries({"until": st.fixed_dictionaries({"from": DATES})}),
)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-11-30T12:00:00Z", Stated(NOON)),
        ("2026-11-30T14:00:00+02:00", Stated(NOON)),
        ("2026-11-30 12:00", Stated(NOON)),
        ("2026-11-30T12:00:00.000001Z", Stated(NOON + 1)),
        ("2026-11-30", Stated(NOON - 12 * 3_600_000_000)),
        (["2027-01-01", "2026-11-30T12:00:00Z", "x"], Stated(NOON)),
        ([], None),
        (None, None),
        ("", None),
        ("  ", None),
        ("tomorrow", Stated(None)),
        ("2026-02-30", Stated(None)),
        (1_700_000_000, Stated(None)),
        (False, Stated(None)),
        ({"at": "2026-11-30"}, Stated(None)),
        ([None, ""], None),
    ],
)
def test_a_date_is_what_filters_take_for_one(until: object, said: Stated | None) -> None:
    assert read_expiry({"until": until}, field="until") == said
    assert expiry_reader("until")({"until": until}) == said


def test_a_field_is_named_by_its_path() -> None:
    metadata = {"offer": {"until": "2026-11-30T12:00:00Z"}, "id": "2026-11-30T12:00:00Z"}
    assert read_expiry(metadata, field="offer.until") == Stated(NOON)
    assert read_expiry(metadata, field="metadata.id") == Stated(NOON)
    assert read_expiry(metadata, field="until") is None


@given(st.lists(METADATA, max_size=8), st.integers(NOON - 10**11, NOON + 10**11))
def test_what_has_expired_is_what_a_filter_up_to_now_finds(
    metadata: list[Mapping[str, Any]], now: int
) -> None:
    moment = EPOCH + timedelta(microseconds=now)
    where = parse_filter({"field": "until", "lte": moment.isoformat()})
    ids = [f"d{n}" for n in range(len(metadata))]
    found = matching_documents(where, ids=ids, metadata=metadata).tolist()
    assert [has_expired(one, field="until", now=now) for one in metadata] == found


def test_the_clock_tells_the_time_in_microseconds() -> None:
    before, now, after = micros(datetime.now(UTC)), wall_clock(), micros(datetime.now(UTC))
    assert before <= now <= after


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with closing(open_catalog(home_url(tmp_path_factory.mktemp("home")))) as catalog:
        yield catalog


def filled(catalog: Catalog, *until: object) -> Collection:
    collection = catalog.collections.create(f"c{uuid4().hex}", expiry_field="until")
    documents = [
        Document(f"d{n}", "text", metadata={} if one is None else {"until": one})
        for n, one in enumerate(until)
    ]
    catalog.documents.upsert(collection, documents)
    return catalog.collections.get(collection.name)


@pytest.mark.parametrize(
    ("until", "warnings"),
    [
        ([], []),
        (["2026-11-30"], []),
        (["2026-11-30", None], ["first 2 documents 1 never expire: 'until' is empty$"]),
        (
            ["2026-11-30", "soon", 7],
            [r"first 3 documents 2 never expire: what 'until' holds is no date \('d1', 'd2'\)$"],
        ),
        (
            [7] * 7,
            [
                "first 7 documents none has a date in 'until'; a date is written as 2026-11-30T18",
                r"7 never expire: .* \('d0', 'd1', 'd2', 'd3', 'd4', …\)$",
            ],
        ),
        ([None], ["^of the first 1 document none has a date in 'until'; a date is written as"]),
    ],
)
def test_what_will_not_expire_is_told_when_the_field_is_chosen(
    catalog: Catalog, until: list[object], warnings: list[str]
) -> None:
    told = expiry_warnings(catalog, filled(catalog, *until))
    assert len(told) == len(warnings)
    for line, pattern in zip(told, warnings, strict=True):
        assert re.search(pattern, line), line


@pytest.mark.parametrize(
    ("until", "warnings"),
    [
        ([], []),
        (["2026-11-30", None], []),
        ([None], ["^no document has a date in 'until'; a date is written as"]),
        (
            ["2026-11-30", "soon"],
            [r"^1 document never expires: what 'until' holds is no date \('d1'\)$"],
        ),
    ],
)
def test_what_does_not_expire_is_told_of_all_documents(
    catalog: Catalog, until: list[object], warnings: list[str]
) -> None:
    collection = filled(catalog, *until)
    while catalog.expiries.follow(collection, expiry_reader("until")):
        pass
    state = catalog.expiries.state(collection)
    assert state is not None
    told = state_warnings(collection, state)
    assert len(told) == len(warnings)
    for line, pattern in zip(told, warnings, strict=True):
        assert re.search(pattern, line), line
