"""Cells: what the strings of a CSV column stand for, judged by all of them together."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Value = str | int | float | bool


@dataclass(frozen=True)
class Reading:
    """One way to read a column: which cells it fits, and the value of such a cell."""

    fits: re.Pattern[str]
    value: Callable[[str], Value]


# A leading zero makes a code, not a number; 18 digits are always within 64 bits.
INTEGER = Reading(re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII), int)
NUMBER = Reading(
    re.compile(r"-?(0|[1-9]\d{0,99})(\.\d{1,99})?([eE][+-]?\d{1,2})?", re.ASCII), float
)
BOOLEAN = Reading(re.compile(r"true|false", re.IGNORECASE), lambda cell: cell.lower() == "true")


def guess_readings(rows: Iterable[Mapping[str, str]]) -> dict[str, Reading]:
    """For each column the first of integer, number and boolean that fits all of its cells.

    A column that is missing in the result holds strings.
    """
    possible: dict[str, list[Reading]] = {}
    for row in rows:
        for column, cell in row.items():
            left = possible.setdefault(column, [INTEGER, NUMBER, BOOLEAN])
            if left:
                left[:] = [reading for reading in left if reading.fits.fullmatch(cell)]
    return {column: left[0] for column, left in possible.items() if left}
