"""Writing: JSON Lines as exports have them, compressed or not."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import orjson

_GZIP_LEVEL = 6


def write_lines(file: BinaryIO, values: Iterable[dict[str, Any]]) -> int:
    """Write JSON Lines, and return how many."""
    count = 0
    for value in values:
        file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
        count += 1
    return count


@contextmanager
def packing(file: BinaryIO, *, name: str) -> Iterator[BinaryIO]:
    """A file to write to, through gzip where its name ends in `.gz`; equal content, equal bytes."""
    if not name.endswith(".gz"):
        yield file
        return
    with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
        yield cast("BinaryIO", packed)
