"""Typed rows: the strings of a table as what their columns hold, which takes a look at all rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from molt.index.errors import InvalidFieldError
from molt.index.files.columns import find_columns, match_all
from molt.index.files.errors import RowError
from molt.index.files.ids import REFERENCES, IdCells
from molt.index.files.options import ReadOptions, canonical, silent
from molt.index.files.progress import ReadProgress
from molt.index.files.row import JUDGED_QUERIES, SPECIAL, Row
from molt.index.files.tabular.amounts import AmountCells
from molt.index.files.tabular.cells import ColumnCells, Value


@dataclass(frozen=True)
class StringTable:
    """A table of strings that can be read again; `decimal_mark` is the usual one where it is from.

    `read` gives the rows and their errors.
    """

    path: Path
    names: tuple[str, ...]
    read: Callable[[ReadProgress, ReadOptions], Iterator[Row | RowError]]
    decimal_mark: str = "."


class _Cells(Protocol):
    """What looks at the cells of a column, and then reads each."""

    def see(self, line: int, cell: str) -> None: ...

    def read(self, line: int, cell: str) -> Value | None: ...


def read_typed(
    table: StringTable, progress: ReadProgress, options: ReadOptions
) -> Iterator[Row | RowError]:
    """Every row of a table, its cells as what their columns hold.

    What is left out, or kept as text although numbers stand beside it, is told.
    """
    columns = _watched(table, options)
    _look(table, columns, options)
    for name, column in columns.items():
        if isinstance(column, ColumnCells | AmountCells) and (remark := column.remark()):
            options.tell(f"{table.path}: {name[:80]}: {remark}")
    for row in table.read(progress, options):
        yield row if isinstance(row, RowError) else _typed(table.path, row, columns)


def _look(table: StringTable, columns: Mapping[str, _Cells], options: ReadOptions) -> None:
    for row in table.read(ReadProgress(), replace(options, tell=silent)):
        if isinstance(row, Row):
            for name, cell in row.values.items():
                if name in columns:
                    columns[name].see(row.line, cell)
    for name, column in columns.items():
        if isinstance(column, IdCells) and column.form.pointed:
            column.whole = options.whole_ids(name)


def _watched(table: StringTable, options: ReadOptions) -> dict[str, _Cells]:
    """What looks at each column; none at titles, texts and whatever is read as it is written."""
    found = find_columns(table.names, options)
    judged = {canonical(name) for name in table.names} & {*map(canonical, JUDGED_QUERIES)}
    numbers = match_all(table.names, options.number_columns)
    watched: dict[str, _Cells] = {}
    for name in table.names:
        if name == found.id or canonical(name) in REFERENCES:
            watched[name] = IdCells(unique=name == found.id and not judged)
        elif name in numbers:
            watched[name] = AmountCells(usual_mark=table.decimal_mark)
        elif not options.verbatim and name not in found.roles and name not in SPECIAL:
            watched[name] = ColumnCells()
    return watched


def _typed(path: Path, row: Row, columns: Mapping[str, _Cells]) -> Row | RowError:
    values: dict[str, Value] = {}
    for name, cell in row.values.items():
        column = columns.get(name)
        try:
            value = cell if column is None else column.read(row.line, cell)
        except InvalidFieldError as error:
            return RowError(path, row.line, str(error))
        if value is not None:
            values[name] = value
    return Row(row.line, values)
