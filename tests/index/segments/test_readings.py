"""Readings: the numbers and dates that texts are."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.segments.readings import DAY, read_date, read_dates, read_number, read_numbers
from molt.index.segments.scalar import scalar_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(), st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
def test_a_date_is_the_instant_that_it_names(moment, offset):
    minutes = int(offset.total_seconds()) // 60
    sign, beside = ("-", -minutes) if minutes < 0 else ("+", minutes)
    text = f"{moment.isoformat()}{sign}{beside // 60:02}:{beside % 60:02}"
    instant = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    assert read_date(text).first == read_date(text).last == instant - minutes * 60_000_000


def test_a_date_without_a_time_is_the_whole_day_in_utc():
    day = read_date("1970-01-02")
    assert (day.first, day.last) == (DAY, 2 * DAY - 1)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-03-01T09:00:00", "2024-03-01T09:00:00Z"),
        ("2024-03-01 09:00", "2024-03-01T09:00:00Z"),
        ("2024-03-01t09:00:00.5z", "2024-03-01T09:00:00.500000+00:00"),
        ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"),
        ("2024-02-29T00:00:00.1234567Z", "2024-02-29T00:00:00.123456Z"),
    ],
)
def test_dates_may_be_written_in_several_ways(text, same):
    assert read_date(text) == read_date(same)
    assert read_date(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("", "2024", "2024-03", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-00"),
        *("2024-03-01T24:00:00Z", "2024-03-01T09:60Z", "2024-03-01T09:00:00+24:00"),
        *(
            "2024-03-01\n",
            " 2024-03-01",
            "2024-03-01Z",
            "20240301",
            "\u0662\u0660\u0662\u0664-03-01",
            "01.03.2024",
        ),
    ],
)
def test_what_is_no_date_is_none(text):
    assert read_date(text) is None
    assert read_dates(pl.Series([text])).places.tolist() == []


@pytest.mark.parametrize(
    "text", ["0", "-0", "12.5", "1e3", "1E-2", "9007199254740993", "-9223372036854775808"]
)
def test_a_text_written_like_a_number_of_json_is_one(text):
    expected = scalar_of(float(text) if {*".eE"} & {*text} else int(text))
    assert read_number(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "01", "+1", ".5", "5.", "1,5", " 1", "1\n", "0x10", "1_000", "nan", "inf", "true"),
        *("1e999", "9223372036854775808", "1" * 100, "\uff11"),
    ],
)
def test_what_is_no_number_is_none(text):
    assert read_number(text) is None
    assert read_numbers(pl.Series([text])).places.tolist() == []


@given(st.lists(st.integers(-(2**64), 2**64).map(str) | st.floats().map(str) | st.text(max_size=3)))
def test_a_column_is_read_as_each_of_its_texts_is(texts):
    found = read_numbers(pl.Series(texts, dtype=pl.String))
    read = {place: scalar for place, text in enumerate(texts) if (scalar := read_number(text))}
    assert found.places.tolist() == [*read]
    assert found.values.tolist() == [scalar.value for scalar in read.values()]
    assert found.rests.tolist() == [scalar.rest for scalar in read.values()]
