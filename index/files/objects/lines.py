"""JSON Lines, one object a line."""

from collections.abc import Iterator
from pathlib import Path

from molt.index.files.errors import RowError
from molt.index.files.objects.exact import (
    explain_json,
    explain_shape,
    parse_exactly,
    parse_several,
)
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row
from molt.index.files.text.encoding import open_utf8

MAX_LINE_BYTES = 64 * 1024 * 1024
_GUESSING = ReadOptions()


def read_jsonl(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every row in order, a bad one as the error that it is; blank lines are not rows.

    Raises `SourceError` where the file itself cannot be read to its end.
    """
    for number, line in enumerate(_lines(path, progress, options), 1):
        if len(line) > MAX_LINE_BYTES:
            yield RowError(path, number, f"has more than {MAX_LINE_BYTES} bytes; split its text")
        elif not line.isspace():
            yield from _parse(path, number, line)


def _lines(path: Path, progress: ReadProgress, options: ReadOptions) -> Iterator[bytes]:
    with open_utf8(path, progress, options) as file:
        line = file.readline(MAX_LINE_BYTES + 1)
        while line:
            yield line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES + 1)
            line = file.readline(MAX_LINE_BYTES + 1)


def _parse(path: Path, number: int, line: bytes) -> Iterator[Row | RowError]:
    try:
        values = [parse_exactly(line)]
    except ValueError as error:
        try:
            values = parse_several(line)
        except ValueError:
            yield RowError(path, number, explain_json(error, line))
            return
    for value in values:
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            yield RowError(path, number, explain_shape(value))
