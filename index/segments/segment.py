"""A segment: some rows of a generation and all that is needed to search them. Never changes.

A row is a passage of a document. The rows of one document lie together, its passages in order,
and documents follow each other by ordinal. Which rows are live is not known here: that is
`snapshot`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from molt.artifact import (
    CorruptFileError,
    FileEntry,
    hash_file,
    publish_directory,
    verify_file,
)
from molt.index.errors import VectorError
from molt.index.segments import ann
from molt.index.segments.attributes import Attributes, read_attributes
from molt.index.segments.column import DateColumn, NumberColumn
from molt.index.segments.exact import Mask, Ranked, Rows, Vectors, search_exactly
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.filters.matching import matching_rows
from molt.index.segments.hashes import HashIndex, index_hashes
from molt.index.segments.scalar import ScalarKind

ROW = np.dtype(
    [
        ("ordinal", "<i8"),
        ("revision", "<i8"),
        ("passage", "<i4"),
        ("start", "<i4"),
        ("end", "<i4"),
        ("hash", "V16"),
    ]
)

VECTORS, ROWS, METADATA = "vectors.npy", "rows.npy", "metadata.parquet"
GRAPH, NODES = "ann.faiss", "nodes.npy"
_KEPT_FIELDS = 16
_SMALL, _LARGE = {VECTORS, ROWS, METADATA}, {VECTORS, ROWS, METADATA, GRAPH, NODES}


@dataclass(frozen=True)
class SegmentEntry:
    """What a generation's manifest says of one segment."""

    id: str
    n_rows: int
    files: Mapping[str, FileEntry]


@dataclass(frozen=True)
class SegmentContent:
    """What a segment is made of: `rows` `(n,)` of dtype `ROW`, and in `blocks` their vectors.

    Each block is `(m, dimension) float32`; together they hold one vector for each row. Where it is
    large enough for a graph, that is grown from `seed`, if there is one.
    """

    rows: npt.NDArray[np.void]
    blocks: Iterable[Vectors]
    dimension: int
    attributes: Attributes
    seed: ann.Seed | None = None


@dataclass(frozen=True)
class Segment:
    """An opened segment: `rows` `(n,)` of dtype `ROW`, `vectors` `(n, dim) float32`, mapped."""

    entry: SegmentEntry
    rows: npt.NDArray[np.void]
    vectors: Vectors
    attributes: Attributes
    graph: ann.Graph | None

    def __len__(self) -> int:
        return self.entry.n_rows

    @cached_property
    def ordinals(self) -> Rows:
        """The document of each row, `(n,) int64`, ascending."""
        return np.ascontiguousarray(self.rows["ordinal"])

    @cached_property
    def rows_by_hash(self) -> HashIndex:
        """Which row holds a text, by its hash."""
        return index_hashes(self.rows["hash"])

    @cached_property
    def first_rows(self) -> Rows | None:
        """The first row of each row's document, `(n,) int64`; None if every document has one."""
        first = self.rows["passage"] == 0
        if first.all():
            return None
        return np.maximum.accumulate(np.where(first, np.arange(len(self)), 0))

    def greatest(self, field: str, kind: ScalarKind) -> npt.NDArray[np.float64] | None:
        """The greatest number, or latest date, of the document that begins at each row `(n,)`.

        Dates in microseconds since 1970, NaN where it has none; None where no document has one.
        Made once; of many fields the first are forgotten.
        """
        key = field, kind
        if key not in self._greatest:
            if len(self._greatest) >= _KEPT_FIELDS:
                self._greatest.clear()
            self._greatest[key] = self._find_greatest(field, kind)
        return self._greatest[key]

    @cached_property
    def _greatest(self) -> dict[tuple[str, ScalarKind], npt.NDArray[np.float64] | None]:
        return {}

    def _find_greatest(self, field: str, kind: ScalarKind) -> npt.NDArray[np.float64] | None:
        column = self.attributes.column(field, kind)
        if not isinstance(column, NumberColumn | DateColumn):
            return None
        found = np.full(len(self), np.nan)
        values = column.values if isinstance(column, NumberColumn) else column.moments
        found[self.attributes.rows[column.lines]] = values  # ascending: the last one stays
        return found

    def matching(self, where: Filter) -> Mask:
        """The rows `(n,)` of the documents that `where` keeps."""
        mask = matching_rows(where, self.attributes, n_rows=len(self))
        return mask if self.first_rows is None else mask[self.first_rows]

    def is_exact(self, *, k: int, kept: int) -> bool:
        """Will `search` for `k` of `kept` rows compare every one of them?"""
        return self.graph is None or not self.graph.is_faster(k=k, kept=kept)

    def search(self, query: Vectors, *, k: int, mask: Mask | None = None) -> Ranked:
        """The `k` best rows for `query` `(dim,) float32`, of those where `mask` `(n,)` holds."""
        kept = len(self) if mask is None else int(np.count_nonzero(mask))
        if self.graph is not None and self.graph.is_faster(k=k, kept=kept):
            found = self.graph.search(self.vectors, query, k=k, mask=mask)
            if len(found.rows) == k:
                return found
        return search_exactly(self.vectors, query, k=k, mask=mask)


def write_segment(
    parent: Path, content: SegmentContent, *, graph_from: int = ann.MIN_ROWS
) -> SegmentEntry:
    """Publish a segment below `parent`; with at least `graph_from` rows it gets a graph.

    Raises `VectorError` for vectors that cannot be searched, `ValueError` for rows out of order.
    """
    rows = content.rows
    _check_rows(rows)
    segment_id = uuid4().hex
    with publish_directory(parent / segment_id) as folder:
        np.save(folder / ROWS, rows)
        vectors = _write_vectors(folder / VECTORS, content)
        content.attributes.write(folder / METADATA)
        if len(rows) >= graph_from:
            ann.write_graph(folder / GRAPH, folder / NODES, vectors=vectors, seed=content.seed)
        files = {path.name: hash_file(path) for path in sorted(folder.iterdir())}
    return SegmentEntry(segment_id, len(rows), files)


def open_segment(path: Path, entry: SegmentEntry, *, dimension: int) -> Segment:
    """Open a segment, after comparing every byte of it with what `entry` says.

    Raises `CorruptFileError`, which names the file.
    """
    if entry.files.keys() not in (_SMALL, _LARGE):
        raise CorruptFileError(path, f"is listed with the files {sorted(entry.files)}")
    verify_segment(path, entry)
    rows = _read_array(path / ROWS, shape=(entry.n_rows,), dtype=ROW)
    shape = (entry.n_rows, dimension)
    vectors = _read_array(path / VECTORS, shape=shape, dtype=np.dtype(np.float32))
    attributes = read_attributes(path / METADATA)
    graph = ann.read_graph(path / GRAPH, path / NODES) if GRAPH in entry.files else None
    return Segment(entry, rows, vectors, attributes, graph)


def verify_segment(path: Path, entry: SegmentEntry) -> None:
    """Compare every byte of a segment with what `entry` says. Raises `CorruptFileError`."""
    for name, expected in entry.files.items():
        verify_file(path / name, expected)


def _check_rows(rows: npt.NDArray[np.void]) -> None:
    if rows.dtype != ROW or rows.ndim != 1 or len(rows) == 0:
        raise ValueError("rows must be a non-empty array of dtype ROW")
    ordinal, passage = rows["ordinal"], rows["passage"]
    same = ordinal[1:] == ordinal[:-1]
    follows = np.where(same, passage[1:] == passage[:-1] + 1, passage[1:] == 0)
    if passage[0] != 0 or (ordinal[1:] < ordinal[:-1]).any() or not follows.all():
        raise ValueError("rows must be ordered by ordinal, and within it by passage from 0")


def _write_vectors(path: Path, content: SegmentContent) -> Vectors:
    """Write block after block, so that memory holds one at a time; the result is mapped.

    Not through a mapping: where the disk is full, that would end the process.
    """
    shape = (len(content.rows), content.dimension)
    end = 0
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in content.blocks:
            start, end = end, end + len(block)
            if block.shape[1:] != shape[1:] or end > shape[0]:
                raise VectorError(
                    f"expected vectors {shape}, found a block {block.shape} at {start}"
                )
            for row in np.flatnonzero(~np.isfinite(block).all(axis=1))[:1]:
                raise VectorError(f"vector {start + row} holds a value that is not a finite number")
            file.write(np.ascontiguousarray(block, dtype="<f4").data)
    if end != shape[0]:
        raise VectorError(f"expected {shape[0]} vectors, found {end}")
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_array(path: Path, *, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.shape != shape or array.dtype != dtype:
        raise CorruptFileError(path, f"holds {array.dtype} {array.shape}, not {dtype} {shape}")
    return np.asarray(array)
