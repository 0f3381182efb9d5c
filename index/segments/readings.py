"""Readings: what a text says besides its characters, a number or a date.

A number is written as in JSON. A date is one of RFC 3339, with a zone or, without one, in UTC; its
seconds may be missing, and a blank may stand for the `T`. One without a time is the whole day.
"""

import re
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.scalar import INT64, Scalar, ScalarKind, scalar_of

Places = npt.NDArray[np.int64]

_T = TypeVar("_T", int, Any)

DAY = 86_400_000_000
"""Microseconds."""

_WHOLE = r"-?(?:0|[1-9][0-9]*)"
_NUMBER = _WHOLE + r"(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_MAX_NUMBER_CHARS = 64
_DATE = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))?)?"
)
_MAX_DATE_CHARS = 64
_MONTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LIMITS = (23, 59, 60, 23, 59)
"""The greatest hour, minute and second, and the same of a zone."""


@dataclass(frozen=True)
class DateSpan:
    """What a date covers: from its `first` to its `last` microsecond since 1970, in UTC."""

    first: int
    last: int


@dataclass(frozen=True)
class NumberReadings:
    """The texts at `places` `(n,)` are the numbers `values` plus `rests`, `(n,)` both."""

    places: Places
    values: npt.NDArray[np.float64]
    rests: npt.NDArray[np.int16]


@dataclass(frozen=True)
class DateReadings:
    """The texts at `places` `(n,)` are dates that begin at `moments` `(n,)`, in microseconds."""

    places: Places
    moments: npt.NDArray[np.int64]


def read_date(text: str) -> DateSpan | None:
    """The date that a text is, or None."""
    found = re.fullmatch(_DATE, text) if len(text) <= _MAX_DATE_CHARS else None
    if found is None:
        return None
    *date, hour, minute, second, fraction, sign, east, beside = found.groups(default="0")
    time = [int(hour), int(minute), int(second)]
    zone = [int(east), int(beside)]
    year, month, day = map(int, date)
    leap = month == 2 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    limits = zip([*time, *zone], _LIMITS, strict=True)
    if not (1 <= month <= 12 and 1 <= day <= _MONTHS[month] + leap):
        return None
    if any(part > most for part, most in limits):
        return None
    ahead = -1 if sign == "-" else 1
    minutes = 60 * (time[0] - ahead * zone[0]) + time[1] - ahead * zone[1]
    micros = 1_000_000 * (60 * minutes + time[2]) + int(fraction[:6].ljust(6, "0"))
    first = DAY * _days(year, month, day) + micros
    return DateSpan(first, first + DAY - 1 if found[4] is None else first)


def read_numbers(texts: pl.Series) -> NumberReadings:
    """Those of `texts` that are numbers within 64 bits."""
    short = texts.str.len_bytes() <= _MAX_NUMBER_CHARS
    places = np.flatnonzero((short & texts.str.contains(f"^{_NUMBER}$")).to_numpy())
    found = texts[places]
    whole = found.str.contains(f"^{_WHOLE}$")
    integers = found.cast(pl.Int64, strict=False)
    values = found.cast(pl.Float64, strict=False).fill_null(np.inf).to_numpy() + 0.0
    kept = np.isfinite(values) & (~whole | integers.is_not_null()).to_numpy()
    exact = integers.fill_null(0).to_numpy()
    rests = np.where(whole.to_numpy(), rests_of(exact), 0).astype(np.int16)
    return NumberReadings(places[kept], values[kept], rests[kept])


def rests_of(integers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What lies between each integer and its nearest float64; at most 512."""
    nearest = integers.astype(np.float64)
    top = nearest >= 2.0**63  # which no int64 can hold
    below = np.where(top, 0.0, nearest).astype(np.int64)
    return np.where(top, integers - (2**63 - 1) - 1, integers - below)


def read_number(text: str) -> Scalar | None:
    """The number that a text is, or None; an integer beyond 64 bits is none."""
    if len(text) > _MAX_NUMBER_CHARS or not re.fullmatch(_NUMBER, text):
        return None
    whole = int(text) if re.fullmatch(_WHOLE, text) else None
    scalar = scalar_of(float(text) if whole is None else whole)
    beyond = whole is not None and whole not in INT64
    return None if scalar is None or beyond or scalar.kind is not ScalarKind.NUMBER else scalar


def read_dates(texts: pl.Series) -> DateReadings:
    """Those of `texts` that are dates."""
    short = texts.str.len_bytes() <= _MAX_DATE_CHARS
    matching = np.flatnonzero((short & texts.str.contains(f"^{_DATE}$")).to_numpy())
    if not len(matching):
        return DateReadings(matching, np.empty(0, np.int64))
    groups = texts[matching].str.extract_groups(f"^{_DATE}$").struct.unnest()
    year, month, day, hour, minute, second = (_whole(groups, at) for at in range(1, 7))
    fraction = groups["7"].fill_null("").str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64)
    ahead = np.where((groups["8"] == "-").fill_null(value=False).to_numpy(), -1, 1)
    east, beside = _whole(groups, 9), _whole(groups, 10)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    sound = (month >= 1) & (month <= 12)
    for part, most in zip((hour, minute, second, east, beside), _LIMITS, strict=True):
        sound &= part <= most
    days = np.array(_MONTHS)[np.where(sound, month, 0)] + (leap & (month == 2))
    sound &= (day >= 1) & (day <= days)
    seconds = 3600 * (hour - ahead * east) + 60 * (minute - ahead * beside) + second
    moments = DAY * _days(year, month, day) + 1_000_000 * seconds + fraction.to_numpy()
    return DateReadings(matching[sound], moments[sound])


def _whole(groups: pl.DataFrame, at: int) -> npt.NDArray[np.int64]:
    return groups[str(at)].cast(pl.Int64).fill_null(0).to_numpy()


def _days(year: _T, month: _T, day: _T) -> _T:
    """Days since 1970-01-01 in the Gregorian calendar; years are counted from March on."""
    year = year - (month <= 2)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    before: _T = 365 * year + year // 4 - year // 100 + year // 400
    return before + of_year - _MARCH_0


_MARCH_0 = 719_468
"""Days from 0000-03-01 to 1970-01-01."""
