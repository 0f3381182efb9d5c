"""The header of a file of cells: its columns, and which of its cells are none."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from molt.index.files.errors import RowError, SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.row import Row
from molt.index.files.tabular.dialect import other_delimiter
from molt.index.files.tabular.records import Record
from molt.index.files.text.encoding import not_decoded

_INDEX = re.compile(r"Unnamed: \d+")  # how pandas reads the index that it wrote without a name


@dataclass(frozen=True)
class Header:
    """The columns that have names, each with its place, and how many cells a row has."""

    columns: tuple[tuple[str, int], ...]
    width: int
    encoding: str

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in their order."""
        return tuple(name for name, _ in self.columns)

    def row(self, path: Path, record: Record) -> Row | RowError | None:
        """The cells of a record that are not empty, by column; None for an empty line."""
        if record.problem is not None:
            return RowError(path, record.line, record.problem)
        cells = record.cells
        if not any(cells):
            return None
        if len(cells) != self.width and (len(cells) < self.width or any(cells[self.width :])):
            return RowError(path, record.line, self._ragged(cells))
        values = {name: cells[at] for name, at in self.columns if cells[at]}
        for name, cell in values.items():
            if not cell.isascii() and (
                problem := not_decoded(cell, self.encoding, where=name[:80])
            ):
                return RowError(path, record.line, problem)
        return Row(record.line, values)

    def _ragged(self, cells: Sequence[str]) -> str:
        hint = ""
        if len(cells) > self.width:
            hint = "; quote a cell that holds the delimiter"
            if any(cell.startswith('"') for cell in cells):
                hint = "; pass --quoting standard where quotation marks enclose cells"
        elif len(cells) == 1 and (other := other_delimiter(cells[0], width=self.width)):
            hint = f"; it is separated by {other}, and the first line is not: make them alike"
        there = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        return f"has {there} where the first line names {self.width}{hint}"


def read_header(path: Path, record: Record, encoding: str, options: ReadOptions) -> Header:
    """The header that a record is; columns without a name are told and left out.

    Raises `SourceError` where it has no name, or one twice, or is not text.
    """
    if record.problem is not None:
        raise SourceError(path, f"its first line: {record.problem}")
    names = ["" if _INDEX.fullmatch(cell) else cell.strip() for cell in record.cells]
    for name in names:
        if problem := not_decoded(name, encoding, where="a name"):
            raise SourceError(path, f"its first line {problem}")
    while names and not names[-1]:
        names.pop()
    if not any(names):
        raise SourceError(path, "its first line is empty; it must name the columns")
    _refuse_twice(path, names)
    nameless = [str(at) for at, name in enumerate(names, 1) if not name]
    if nameless:
        options.tell(f"{path}: {_nameless(nameless)}")
    columns = tuple((name, at) for at, name in enumerate(names) if name)
    return Header(columns, len(record.cells), encoding)


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    twice = next((name for name, n in Counter(filter(None, names)).items() if n > 1), None)
    if twice is not None:
        places = [str(at) for at, name in enumerate(names, 1) if name == twice]
        raise SourceError(
            path,
            f"its first line names two columns {twice[:80]} (columns {' and '.join(places)}); "
            "rename one of them",
        )


def _nameless(places: Sequence[str]) -> str:
    if len(places) == 1:
        return f"column {places[0]} has no name and is left out, as an index that pandas wrote"
    return f"columns {', '.join(places)} have no names and are left out"
