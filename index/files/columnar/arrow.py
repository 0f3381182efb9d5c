"""Arrow IPC, as `datasets` saves it to disk (a stream) and as Feather has it (a file).

A stream is cut into its messages, so that one batch of rows is in memory at a time.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars.exceptions import PolarsError

from molt.artifact import PanicError, panics_contained
from molt.index.files.columnar.labels import labels_of, worded
from molt.index.files.columnar.parquet import kept_columns
from molt.index.files.columnar.values import plain_row
from molt.index.files.compression import open_bytes
from molt.index.files.errors import RowError, SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row

_FILE = b"ARROW1"
_CONTINUES = 0xFFFFFFFF
_END = struct.pack("<II", _CONTINUES, 0)
_SCHEMA, _DICTIONARY, _ROWS = 1, 2, 3
_MOST_BYTES = 2**31
_BATCH_ROWS = 2000
_GUESSING = ReadOptions()


def read_arrow(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every row in order, numbered from 1, its values as `read_parquet` gives them.

    Raises `SourceError` where the file is no Arrow or is damaged.
    """
    done, labels = 0, labels_of(path)
    try:
        with panics_contained():
            for frame in _frames(path, progress):
                kept = frame.select(kept_columns(path, frame.schema, options))
                for values in kept.iter_rows(named=True):
                    done += 1
                    yield plain_row(done, worded(values, labels))
    except (PolarsError, PanicError, OSError, struct.error, IndexError) as error:
        raise SourceError(path, "is no Arrow, or is damaged; get it again") from error


def _frames(path: Path, progress: ReadProgress) -> Iterator[pl.DataFrame]:
    with open_bytes(path, progress) as file:
        head = file.read(len(_FILE))
        if head != _FILE:
            yield from _stream_frames(path, file, head)
            return
    with progress.watching(path, lambda: 0):
        yield from pl.scan_ipc(path).collect_batches(chunk_size=_BATCH_ROWS, lazy=True)


def _stream_frames(path: Path, file: BinaryIO, head: bytes) -> Iterator[pl.DataFrame]:
    before = b""
    for message in _messages(path, file, head):
        if message.kind in (_SCHEMA, _DICTIONARY):
            before += message.content
        elif message.kind == _ROWS:
            yield pl.read_ipc_stream(io.BytesIO(before + message.content + _END))
    if not before:
        raise SourceError(path, "is no Arrow, or is damaged; get it again")


@dataclass(frozen=True)
class _Message:
    kind: int
    content: bytes


def _messages(path: Path, file: BinaryIO, head: bytes) -> Iterator[_Message]:
    """The messages of a stream, each with its body; the end of the file ends them as well."""
    while True:
        prefix = head + file.read(8 - len(head))
        head = b""
        if not prefix:
            return
        mark, size = struct.unpack("<II", prefix)
        if mark != _CONTINUES or size > _MOST_BYTES:
            raise SourceError(path, "is no Arrow stream; bring Parquet instead")
        if size == 0:
            return
        described = _exactly(path, file, size)
        kind, body = _described(described)
        if not 0 <= body <= _MOST_BYTES:
            raise SourceError(path, "holds a batch of more than 2 GiB; save it in smaller ones")
        yield _Message(kind, prefix + described + _exactly(path, file, body))


def _exactly(path: Path, file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise SourceError(path, "is cut off; get it again")
    return content


def _described(message: bytes) -> tuple[int, int]:
    """The kind of a message and the size of its body (Message.fbs of the Arrow format)."""
    (table,) = struct.unpack_from("<I", message, 0)
    fields = table - struct.unpack_from("<i", message, table)[0]
    (width,) = struct.unpack_from("<H", message, fields)

    def place(field: int) -> int:
        at = 4 + 2 * field
        found: int = struct.unpack_from("<H", message, fields + at)[0] if at < width else 0
        return found

    kind, body = place(1), place(3)
    size = struct.unpack_from("<q", message, table + body)[0] if body else 0
    return (message[table + kind] if kind else 0), size
