"""The dialect of a file of cells: what separates them, and what a quotation mark means."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from molt.index.files.errors import SourceError
from molt.index.files.options import Quoting, ReadOptions

SAMPLE_LINES = 50
_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'(?:sep=(.)|"sep=([^"])")\r?\n?', re.IGNORECASE)
_SPELLED = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class Dialect:
    """`guarded`: a quoted cell is not believed where it spans lines that are rows themselves.

    `skipped` lines stand before the header.
    """

    delimiter: str
    quoted: bool = True
    guarded: bool = True
    skip_blanks: bool = False
    skipped: int = 0

    def split(self, line: str) -> list[str]:
        """The cells of a line in which no quotation mark has a meaning."""
        cells = line.rstrip("\r\n").split(self.delimiter)
        return [cell.strip(" ") for cell in cells] if self.skip_blanks else cells


def find_dialect(path: Path, lines: Sequence[str], options: ReadOptions) -> Dialect:
    """The dialect that the first lines of a file show; tells a delimiter that its name does not.

    Raises `SourceError` for an option that no file can have.
    """
    named = _separator_line(lines)
    rest = lines[1:] if named else lines
    is_tsv = ".tsv" in map(str.lower, path.suffixes) or options.format == "tsv"
    usual = "\t" if is_tsv else ","
    found = _given(path, options) or named or _guess(rest, usual)
    if found != usual and not named and options.delimiter is None:
        options.tell(f"{path}: its cells are separated by {describe_delimiter(found)}")
    quoting = options.quoting or (Quoting.NONE if is_tsv and found == "\t" else None)
    header = rest[0].rstrip("\r\n").split(found) if rest else []
    return Dialect(
        delimiter=found,
        quoted=quoting is not Quoting.NONE,
        guarded=quoting is None,
        skip_blanks=len(header) > 1 and all(cell[:1] == " " for cell in header[1:]),
        skipped=1 if named else 0,
    )


def describe_delimiter(delimiter: str) -> str:
    """What people call it."""
    names = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
    return names.get(delimiter, f"the character {delimiter}")


def other_delimiter(line: str, *, width: int) -> str | None:
    """What people call the delimiter by which a line has as many cells, where there is one."""
    found = (one for one in _DELIMITERS if line.count(one) == width - 1 > 0)
    return next(map(describe_delimiter, found), None)


def _given(path: Path, options: ReadOptions) -> str | None:
    if options.delimiter is None:
        return None
    found = _SPELLED.get(options.delimiter.lower(), options.delimiter)
    if len(found) != 1 or found in '"\r\n':
        raise SourceError(path, "a delimiter is one character, as in --delimiter ';', or tab")
    return found


def _separator_line(lines: Sequence[str]) -> str | None:
    """The delimiter that Excel is told by a first line `sep=;`."""
    found = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    return found[1] or found[2] if found else None


def _guess(lines: Sequence[str], usual: str) -> str:
    """The delimiter by which most of the lines have as many cells as the first one."""
    candidates = (usual, *(one for one in _DELIMITERS if one != usual))
    return max(candidates, key=_agreement(lines))


def _agreement(lines: Sequence[str]) -> Callable[[str], float]:
    def share(delimiter: str) -> float:
        rows = _rows(lines, delimiter)
        width = len(rows[0]) if rows else 0
        if width < 2:
            return 0.0
        return (1 + sum(len(row) == width for row in rows[1:])) / len(rows)

    return share


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in csv.reader(lines, delimiter=delimiter) if row)
    except csv.Error:
        return rows
    return rows
