"""Rows of a file without a header, cut as its layout says; a bad line is named and passed over."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from molt.index.files.errors import RowError, SourceError
from molt.index.files.judged.layouts import ID_TRIPLE, STRUCTURED, Layout, find_layout
from molt.index.files.judged.names import format_of
from molt.index.files.judged.topics import read_topics
from molt.index.files.options import ReadOptions, silent
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row
from molt.index.files.text.encoding import open_utf8

_MAX_LINE_BYTES = 16 * 1024 * 1024
_SAMPLE = 50
_SAMPLE_BYTES = 65_536


def layout_of(path: Path, options: ReadOptions) -> Layout | None:
    """The layout of a file without a header, or None where it has one or is no text.

    Raises `SourceError` for a run.
    """
    if format_of(path) in STRUCTURED:
        return None
    lines: list[str] = []
    with suppress(SourceError):
        quiet = replace(options, tell=silent)
        found = islice(_lines(path, ReadProgress(), quiet, limit=_SAMPLE_BYTES), _SAMPLE)
        lines += (line.decode(errors="replace") for _, line in found if len(line) <= _SAMPLE_BYTES)
    return None if any("\0" in line for line in lines) else find_layout(path, lines)


def read_headless(
    layout: Layout, path: Path, progress: ReadProgress, options: ReadOptions
) -> Iterator[Row | RowError]:
    """Every row in order. Raises `SourceError` where the file cannot be read to its end."""
    lines = _decoded(path, _lines(path, progress, options, limit=_MAX_LINE_BYTES))
    if not layout.columns:
        yield from read_topics(path, lines)
        return
    for number, line in lines:
        if isinstance(line, RowError):
            yield line
            continue
        cells = layout.cut(line)
        if len(cells) == len(layout.columns):
            for values in _values(layout, cells):
                yield Row(number, values)
        elif line.strip():
            told = ", ".join(name or "iteration" for name in layout.columns)
            yield RowError(path, number, f"has {len(cells)} cells where {layout.name} have {told}")


def _values(layout: Layout, cells: Sequence[str]) -> Iterator[dict[str, str]]:
    """What a line says by column; of a triple of ids, that one is relevant and the other is not."""
    if layout.columns == ID_TRIPLE:
        query_id, *doc_ids = cells
        for doc_id, grade in zip(doc_ids, ("1", "0"), strict=True):
            yield {"query_id": query_id, "doc_id": doc_id, "grade": grade}
        return
    named = zip(layout.columns, cells, strict=True)
    yield {name: cell for name, cell in named if name and cell}


def _lines(
    path: Path, progress: ReadProgress, options: ReadOptions, *, limit: int
) -> Iterator[tuple[int, bytes]]:
    """Lines without their ends, by number; a longer one than `limit` comes cut behind it."""
    with open_utf8(path, progress, options) as file:
        number = 1
        line = file.readline(limit + 1)
        while line:
            rest = line
            while len(rest) > limit and not rest.endswith(b"\n"):
                rest = file.readline(limit + 1)
            yield number, line.removesuffix(b"\n").removesuffix(b"\r")
            number += 1
            line = file.readline(limit + 1)


def _decoded(
    path: Path, lines: Iterator[tuple[int, bytes]]
) -> Iterator[tuple[int, str | RowError]]:
    for number, line in lines:
        if len(line) > _MAX_LINE_BYTES:
            why = f"has more than {_MAX_LINE_BYTES} bytes; split its text"
            yield number, RowError(path, number, why)
            continue
        try:
            yield number, line.decode()
        except UnicodeDecodeError:
            yield (
                number,
                RowError(path, number, "is not UTF-8; name its encoding with --encoding"),
            )
