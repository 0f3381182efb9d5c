"""JSON Lines, one object a line, plain or compressed with gzip."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from molt.index.files.compression import open_bytes
from molt.index.files.errors import RowError
from molt.index.files.progress import Progress
from molt.index.files.row import Row

MAX_LINE_BYTES = 64 * 1024 * 1024


def read_jsonl(path: Path, progress: Progress) -> Iterator[Row | RowError]:
    """Every row in order, a bad one as the error that it is; blank lines are not rows.

    Raises `SourceError` where the file itself cannot be read to its end.
    """
    for number, line in enumerate(_lines(path, progress), 1):
        if len(line) > MAX_LINE_BYTES:
            yield RowError(path, number, f"has more than {MAX_LINE_BYTES} bytes; split its text")
        elif not line.isspace():
            yield _parse(path, number, line)


def _lines(path: Path, progress: Progress) -> Iterator[bytes]:
    with open_bytes(path, progress) as file:
        line = file.readline(MAX_LINE_BYTES + 1).removeprefix(b"\xef\xbb\xbf")
        while line:
            yield line
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES + 1)
            line = file.readline(MAX_LINE_BYTES + 1)


def _parse(path: Path, number: int, line: bytes) -> Row | RowError:
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return RowError(path, number, f"is not JSON: {error}")
    if not isinstance(values, dict):
        return RowError(path, number, "is JSON, but not an object")
    return Row(number, values)
