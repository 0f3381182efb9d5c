"""Records: the cells of each row of a CSV file, and no good row lost to a bad quotation mark.

A cell in quotation marks may span lines. Where it never ends, goes on after its end, or spans lines
that are rows themselves, only the line on which it begins is bad: reading goes on with the next.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from molt.index.catalog.fields import MAX_TEXT_CHARS
from molt.index.files.tabular.dialect import Dialect

_MOST_WASTED = 2 * MAX_TEXT_CHARS
_SHORT_SPAN = 100_000
_DIGITS = re.compile(r"\d+", re.ASCII)
_WORDS = re.compile(r"\w", re.ASCII)


@dataclass(frozen=True)
class Record:
    """The cells of a row, or why there are none, and the line on which it begins."""

    line: int
    cells: Sequence[str]
    problem: str | None = None


class Records:
    """The records of a file, the header first."""

    def __init__(self, lines: Iterator[str], dialect: Dialect, *, id_cell: int = 0) -> None:
        self.id_cell = id_cell
        self._dialect = dialect
        self._source = _Lines(lines)
        csv.field_size_limit(MAX_TEXT_CHARS)
        self._reader = csv.reader(
            self._source,
            delimiter=dialect.delimiter,
            strict=True,
            skipinitialspace=dialect.skip_blanks,
        )
        self._width = 0

    def __iter__(self) -> Iterator[Record]:
        while (line := self._source.take()) is not None:
            number = self._source.line
            if self._dialect.quoted and '"' in line:
                record = self._quoted(number, line)
            else:
                cells = self._dialect.split(line)
                record = Record(number, [] if cells == [""] else cells)
            self._width = self._width or len(record.cells)
            yield record

    def _quoted(self, number: int, line: str) -> Record:
        self._source.begin(line)
        try:
            cells = next(self._reader)
        except csv.Error as error:
            spanned = self._source.give_back()
            return Record(number, [], _problem(error, number, spanned))
        except StopIteration:  # pragma: no cover  a line always makes a row or an error
            return Record(number, [])
        if self._source.spanned > 1 and self._is_suspect(cells, self._source.record[1:]):
            spanned = self._source.give_back()
            return Record(number, [], _merged(number + spanned - 1))
        return Record(number, cells)

    def _is_suspect(self, cells: Sequence[str], others: Sequence[str]) -> bool:
        """Are the lines that a quoted cell spans rows of their own?"""
        if self._width < 2:
            return False
        rows = [self._alone(line) for line in others]
        if len(cells) != self._width:
            return any(self._is_like(row, cells) for row in rows)
        if not self._dialect.guarded or not all(len(row) == self._width for row in rows):
            return False
        return (len(rows) > 2 and self._width > 2) or all(self._is_like(row, cells) for row in rows)

    def _alone(self, line: str) -> list[str]:
        try:
            return next(csv.reader([line], delimiter=self._dialect.delimiter), [])
        except csv.Error:
            return []

    def _is_like(self, row: Sequence[str], other: Sequence[str]) -> bool:
        """Is it as wide as the header, and its id of the kind of the other's?"""
        at = self.id_cell
        return (
            len(row) == self._width
            and len(other) > at
            and _are_alike(row[at].strip(), other[at].strip())
        )


class _Lines:
    """Lines that can be given back; iterated over, they go on with the record that was begun."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._wasted = 0
        self.line = 0
        self.record: list[str] = []
        self._chars = 0
        self._first = False

    @property
    def spanned(self) -> int:
        """How many lines the record has."""
        return len(self.record)

    def take(self) -> str | None:
        """The next line; None at the end."""
        line = self._again.popleft() if self._again else next(self._lines, None)
        self.line += line is not None
        return line

    def begin(self, line: str) -> None:
        """Begin a record with a line that was taken."""
        self.record, self._chars, self._first = [line], len(line), True

    def give_back(self) -> int:
        """Read all lines of the record but the first again; how many lines it had."""
        spanned = len(self.record)
        self._again.extendleft(reversed(self.record[1:]))
        self.line -= spanned - 1
        self._wasted += self._chars
        return spanned

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._first:
            self._first = False
            return self.record[0]
        # Whoever looks for the end of every cell that has none would read a file again and again.
        most = MAX_TEXT_CHARS if self._wasted < _MOST_WASTED else _SHORT_SPAN
        if self._chars > most:
            raise StopIteration
        line = self.take()
        if line is None:
            raise StopIteration
        self.record.append(line)
        self._chars += len(line)
        return line


def _problem(error: csv.Error, number: int, spanned: int) -> str:
    said = str(error)
    if "unexpected end" in said:
        return (
            "a cell begins with a quotation mark and never ends; close it, or double the mark, or "
            "pass --quoting none"
        )
    if "limit" in said:
        return f"has a cell of more than {MAX_TEXT_CHARS} characters; split its text"
    where = "" if spanned == 1 else f", on line {number + spanned - 1},"
    return (
        f"a quoted cell goes on{where} after the quotation mark that ends it; double the marks "
        "inside a cell, or pass --quoting none"
    )


def _merged(last: int) -> str:
    return (
        f"its quoted cell would run on to line {last}, over lines that are rows themselves, which "
        "are read; close the quotation mark, or pass --quoting standard where the cell is meant so"
    )


def _are_alike(one: str, other: str) -> bool:
    """Could two cells be ids of one kind: numbers, d1 and d22, or codes of one length?"""
    if not one or not other or (" " in one and " " not in other):
        return False
    if _DIGITS.sub("9", one) == _DIGITS.sub("9", other):
        return True
    return len(one) == len(other) and _WORDS.sub("a", one) == _WORDS.sub("a", other)
