"""The preamble: lines before the header, a title or a comment, which say nothing of rows."""

import csv
from collections.abc import Sequence

from molt.index.files.columns import TITLES
from molt.index.files.options import ReadOptions, canonical
from molt.index.files.row import SPECIAL

_MOST_LINES = 12
_DELIMITERS = (",", ";", "\t", "|")
_KNOWN = frozenset(map(canonical, (*SPECIAL, *TITLES)))


def preamble_lines(lines: Sequence[str], options: ReadOptions) -> int:
    """As `preamble_rows`, of lines whose delimiter is not known yet."""
    cut = [[_cells(line, mark) for line in lines[: _MOST_LINES + 1]] for mark in _DELIMITERS]
    if any(_is_header(rows, 0, _known(options)) for rows in cut if rows):
        return 0
    return max(preamble_rows(rows, options) for rows in cut)


def preamble_rows(rows: Sequence[Sequence[str]], options: ReadOptions) -> int:
    """How many rows stand before the one that names columns; none where the first could be it.

    A header has several cells, none of them empty, of which one is a well-known name or one that
    the options have, and the row behind it has as many. Those before it have one at most.
    """
    for number, cells in enumerate(rows[:_MOST_LINES]):
        if _is_header(rows, number, _known(options)):
            return number
        if sum(map(bool, cells)) > 1:
            return 0
    return 0


def told_preamble(count: int, first: str) -> str:
    """What is said of it, with how it begins."""
    said = "lines before the one that names the columns are left out"
    return f"{said}: {count} ({first.strip()[:60]})"


def _known(options: ReadOptions) -> frozenset[str]:
    return _KNOWN | set(map(canonical, options.named_columns))


def _is_header(rows: Sequence[Sequence[str]], number: int, known: frozenset[str]) -> bool:
    names = rows[number]
    if len(names) < 2 or not all(names) or known.isdisjoint(map(canonical, names)):
        return False
    return number + 1 < len(rows) and len(rows[number + 1]) == len(names)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []
