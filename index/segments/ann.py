"""The graph of a large segment: FAISS HNSW over 8-bit codes, rescored from the exact vectors.

The graph proposes rows and `exact` scores them, so a score never depends on how its row was
found. Rows with equal codes share one node: a node's links would otherwise all lead to its
equals, and cut off the rest. Where the graph would lose recall or time, that is for a selective
mask or a large `k`, `is_faster` says no and the segment is searched exactly.

A node takes a hundred times as long as a row to copy, so a merged segment's graph is grown from
the largest one that was merged. What is dead by then leaves nodes without rows behind.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import faiss
import numpy as np
import numpy.typing as npt

from molt.artifact import give_way
from molt.index.segments.exact import IN_ORDER, Mask, Ranked, Rows, Vectors, rank_rows

MIN_ROWS = 20_000
LINKS = 32
EF_CONSTRUCTION = 200
EF_SEARCH = 160
"""How many of 65,536 nodes are visited for a few rows; of 16 times as many it is twice that."""

Nodes = npt.NDArray[np.int32]

_LEAST_USED = 0.8
"""Where fewer nodes have rows, a graph is not grown: searches would visit the others in vain."""
_NICENESS = 15
_VISIT_COST = 10  # a visited node costs about as much as ten rows scored exactly, one by one
_BLOCK = 8_192


class Graph:
    """An opened graph and the node of each row `(n,) int32`. Safe to search from many threads."""

    def __init__(self, index: faiss.IndexHNSWSQ, nodes: Nodes, *, path: Path | None = None) -> None:
        self._index = index
        self._path = path
        self.nodes = nodes
        self.n_nodes: int = index.ntotal
        self.dimension: int = index.d
        self._in_order = bool(np.array_equal(nodes, np.arange(self.n_nodes)))
        if not self._in_order:
            self._by_node = np.argsort(nodes, kind="stable")
            self._starts = np.searchsorted(nodes[self._by_node], np.arange(self.n_nodes + 1))

    def seed(self, rows: Rows, *, places: Rows, n_rows: int) -> "Seed | None":
        """What a segment of `n_rows` may grow its graph from whose `places` take these `rows`.

        None where too many nodes would be left without rows.
        """
        used = len(np.unique(self.nodes[rows]))
        if self._path is None or used < _LEAST_USED * self.n_nodes:
            return None
        nodes = np.full(n_rows, -1, np.int32)
        nodes[places] = self.nodes[rows]
        return Seed(self._path, nodes)

    def is_faster(self, *, k: int, kept: int) -> bool:
        """Should the graph answer for `k` of `kept` rows, rather than exact search?"""
        n_rows = len(self.nodes)
        visits = self._effort(k, share=kept / n_rows)
        return visits * _VISIT_COST < min(kept, n_rows * IN_ORDER)

    def search(
        self, vectors: Vectors, query: Vectors, *, k: int, mask: Mask | None = None
    ) -> Ranked:
        """About the `k` best rows; fewer where too few of the best ones lie in `mask`.

        The mask is applied to what the graph finds, never to how it is walked: a walk that skips
        rows gets lost among them without a sign, whereas a short answer shows.
        """
        share = 1.0 if mask is None else np.count_nonzero(mask) / len(mask)
        effort, enough = min(self._effort(k, share=share), self.n_nodes), 2 * k + 20
        faiss.omp_set_num_threads(1)
        parameters = faiss.SearchParametersHNSW(efSearch=effort)
        wanted = min(effort, enough) if mask is None and self._in_order else effort
        nodes = self._index.search(query[None], wanted, params=parameters)[1][0]
        rows = self._rows(nodes[nodes >= 0])
        if mask is not None:
            rows = rows[mask[rows]]
        best = rank_rows(vectors, query, rows=rows[:enough], k=enough)
        return Ranked(best.scores[:k], best.rows[:k])

    def _effort(self, k: int, *, share: float) -> int:
        """How many nodes to visit so that enough of them are kept (`efSearch`)."""
        least = EF_SEARCH * (self.n_nodes / 65_536) ** 0.25
        return int(np.ceil(max(least, 3 * k) / max(share, 1e-9)))

    def _rows(self, nodes: Rows) -> Rows:
        if self._in_order:
            return nodes
        spans = zip(self._starts[nodes], self._starts[nodes + 1], strict=True)
        groups = [self._by_node[start:stop] for start, stop in spans]
        return np.concatenate([nodes[:0], *groups])


@dataclass(frozen=True)
class Seed:
    """A graph to grow from: its file, and the node of each new row `(n,) int32`, -1 for none."""

    path: Path
    nodes: Nodes


def build_graph(vectors: Vectors, *, seed: Seed | None = None) -> tuple[faiss.IndexHNSWSQ, Nodes]:
    """The graph of `vectors` `(n, dim) float32`, and the node of each row `(n,) int32`.

    Built on one thread that gives way to all others, without holding the GIL. Parameters: Malkov
    and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
    Navigable Small World graphs", section 4.
    """
    index = _empty(vectors) if seed is None else faiss.read_index(str(seed.path))
    nodes = np.full(len(vectors), -1, np.int32) if seed is None else seed.nodes.copy()
    firsts = _number(nodes, vectors, index)
    _at_leisure(index, vectors, firsts)
    return index, nodes


def write_graph(graph: Path, nodes: Path, *, vectors: Vectors, seed: Seed | None = None) -> None:
    """Build the graph of `vectors` and write it, and the node of each row beside it."""
    index, node_of_row = build_graph(vectors, seed=seed)
    faiss.write_index(index, str(graph))
    np.save(nodes, node_of_row)


def read_graph(graph: Path, nodes: Path) -> Graph:
    """Map a graph that `write_graph` wrote. The caller has verified the files.

    Processes that map one graph share its pages.
    """
    index = faiss.read_index(str(graph), faiss.IO_FLAG_MMAP_IFC)
    return Graph(index, np.load(nodes, allow_pickle=False), path=graph)


def _empty(vectors: Vectors) -> faiss.IndexHNSWSQ:
    quantizer = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexHNSWSQ(vectors.shape[1], quantizer, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    faiss.omp_set_num_threads(1)
    index.train(vectors)
    return index


def _at_leisure(index: faiss.IndexHNSWSQ, vectors: Vectors, rows: Rows) -> None:
    """Add `rows` of `vectors` in a thread of its own, of the least urgency."""
    failed: list[BaseException] = []

    def add() -> None:
        try:
            give_way(_NICENESS)
            faiss.omp_set_num_threads(1)
            for start in range(0, len(rows), _BLOCK):
                index.add(vectors[rows[start : start + _BLOCK]])
        except BaseException as error:  # noqa: BLE001  raised again by whoever waits
            failed.append(error)

    thread = Thread(target=add, name="graph", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _number(nodes: Nodes, vectors: Vectors, index: faiss.IndexHNSWSQ) -> Rows:
    """Give each row without a node that of its code, or the next one.

    Returns the rows `(m,)` that are to become nodes, in the order of their numbers. Codes are told
    apart by 64 bits drawn anew each time: where two agreed, one row would be found by the other.
    """
    storage = faiss.downcast_index(index.storage)
    keyed, fresh = _Keys(storage.code_size), np.flatnonzero(nodes < 0)
    parts = [keyed.of(_codes(storage))]
    parts += [
        keyed.of(storage.sa_encode(vectors[fresh[start : start + _BLOCK]]))
        for start in range(0, len(fresh), _BLOCK)
    ]
    _, places, numbers = np.unique(np.concatenate(parts), return_index=True, return_inverse=True)
    added = np.sort(places[places >= storage.ntotal])
    known = np.where(
        places < storage.ntotal, places, storage.ntotal + np.searchsorted(added, places)
    )
    nodes[fresh] = known[numbers[storage.ntotal :]]
    firsts: Rows = fresh[added - storage.ntotal]
    return firsts


def _codes(storage: faiss.IndexScalarQuantizer) -> npt.NDArray[np.uint8]:
    """The codes of a graph's nodes, in place: `(n, code_size) uint8`."""
    shape = (storage.ntotal, storage.code_size)
    if not storage.ntotal:  # FAISS does not say of what nothing is
        return np.empty(shape, np.uint8)
    codes: npt.NDArray[np.uint8] = faiss.rev_swig_ptr(storage.codes.data(), shape[0] * shape[1])
    return codes.reshape(shape)


class _Keys:
    """Maps codes to 64 bits by random factors (multilinear hashing, Carter and Wegman 1979)."""

    def __init__(self, code_size: int) -> None:
        self._padding = -code_size % 8
        words = (code_size + self._padding) // 8
        self._factors = np.random.default_rng().integers(2**64, size=words, dtype=np.uint64) | 1

    def of(self, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        """The key of each of `codes` `(n, code_size) uint8`, `(n,) uint64`."""
        padded = np.pad(codes, ((0, 0), (0, self._padding))) if self._padding else codes
        keys: npt.NDArray[np.uint64] = padded.view(np.uint64) @ self._factors
        return keys
