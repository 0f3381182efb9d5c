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
    """How many lines stand before the one that names columns; none where the first could be it.

    A header has several cells, none of them empty, of which one is a well-known name or one that
    the options have, and the line behind it has as many. Those before it have one at most.
    """
    known = _KNOWN | set(map(canonical, options.named_columns))
    for number, line in enumerate(lines[:_MOST_LINES]):
        if any(_is_header(lines, number, mark, known) for mark in _DELIMITERS):
            return number
        if any(sum(map(bool, _cells(line, mark))) > 1 for mark in _DELIMITERS):
            return 0
    return 0


def _is_header(lines: Sequence[str], number: int, delimiter: str, known: frozenset[str]) -> bool:
    names = _cells(lines[number], delimiter)
    if len(names) < 2 or not all(names) or known.isdisjoint(map(canonical, names)):
        return False
    return number + 1 < len(lines) and len(_cells(lines[number + 1], delimiter)) == len(names)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []
