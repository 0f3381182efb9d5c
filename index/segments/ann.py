"""The graph of a large segment: FAISS HNSW over 8-bit codes, rescored from the exact vectors.

The graph proposes rows and `exact` scores them, so a score never depends on how its row was
found. Rows with equal codes share one node: a node's links would otherwise all lead to its
equals, and cut off the rest. Where the graph would lose recall or time, that is for a selective
mask or a large `k`, `is_faster` says no and the segment is searched exactly.
"""

from hashlib import blake2b
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from molt.index.segments.exact import IN_ORDER, Mask, Ranked, Rows, Vectors, rank_rows

MIN_ROWS = 20_000
LINKS = 32
EF_CONSTRUCTION = 200
EF_SEARCH = 200

Nodes = npt.NDArray[np.int32]

_VISIT_COST = 10  # a visited node costs about as much as ten rows scored exactly, one by one
_BLOCK = 8_192


class Graph:
    """An opened graph and the node of each row `(n,) int32`. Safe to search from many threads."""

    def __init__(self, index: faiss.IndexHNSWSQ, nodes: Nodes) -> None:
        self._index = index
        self._nodes = nodes
        self.n_nodes: int = index.ntotal
        self.dimension: int = index.d
        if self.n_nodes < len(nodes):
            self._by_node = np.argsort(nodes, kind="stable")
            self._starts = np.searchsorted(nodes[self._by_node], np.arange(self.n_nodes + 1))

    def is_faster(self, *, k: int, kept: int) -> bool:
        """Should the graph answer for `k` of `kept` rows, rather than exact search?"""
        n_rows = len(self._nodes)
        visits = _effort(k, share=kept / n_rows)
        return visits * _VISIT_COST < min(kept, n_rows * IN_ORDER)

    def search(
        self, vectors: Vectors, query: Vectors, *, k: int, mask: Mask | None = None
    ) -> Ranked:
        """About the `k` best rows; fewer where too few of the best ones lie in `mask`.

        The mask is applied to what the graph finds, never to how it is walked: a walk that skips
        rows gets lost among them without a sign, whereas a short answer shows.
        """
        share = 1.0 if mask is None else np.count_nonzero(mask) / len(mask)
        effort = min(_effort(k, share=share), self.n_nodes)
        faiss.omp_set_num_threads(1)
        parameters = faiss.SearchParametersHNSW(efSearch=effort)
        nodes = self._index.search(query[None], effort, params=parameters)[1][0]
        rows = self._rows(nodes[nodes >= 0])
        if mask is not None:
            rows = rows[mask[rows]]
        best = rank_rows(vectors, query, rows=rows[: 2 * k + 20], k=2 * k + 20)
        return Ranked(best.scores[:k], best.rows[:k])

    def _rows(self, nodes: Rows) -> Rows:
        if self.n_nodes == len(self._nodes):
            return nodes
        spans = zip(self._starts[nodes], self._starts[nodes + 1], strict=True)
        groups = [self._by_node[start:stop] for start, stop in spans]
        return np.concatenate([nodes[:0], *groups])


def build_graph(vectors: Vectors) -> tuple[faiss.IndexHNSWSQ, Nodes]:
    """The graph of `vectors` `(n, dim) float32`, and the node of each row `(n,) int32`.

    Built on one thread, without holding the GIL. Parameters: Malkov and Yashunin, "Efficient and
    robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs",
    section 4.
    """
    faiss.omp_set_num_threads(1)
    quantizer = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexHNSWSQ(vectors.shape[1], quantizer, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.train(vectors)
    nodes, firsts = _distinct(vectors)
    for start in range(0, len(firsts), _BLOCK):
        index.add(vectors[firsts[start : start + _BLOCK]])
    return index, nodes


def write_graph(graph: Path, nodes: Path, *, vectors: Vectors) -> None:
    """Build the graph of `vectors` and write it, and the node of each row beside it."""
    index, node_of_row = build_graph(vectors)
    faiss.write_index(index, str(graph))
    np.save(nodes, node_of_row)


def read_graph(graph: Path, nodes: Path) -> Graph:
    """Map a graph that `write_graph` wrote. The caller has verified the files.

    Processes that map one graph share its pages.
    """
    index = faiss.read_index(str(graph), faiss.IO_FLAG_MMAP_IFC)
    return Graph(index, np.load(nodes, allow_pickle=False))


def _effort(k: int, *, share: float) -> int:
    """How many nodes to visit so that enough of them are kept (`efSearch`)."""
    return int(np.ceil(max(EF_SEARCH, 3 * k) / max(share, 1e-9)))


def _distinct(vectors: Vectors) -> tuple[Nodes, Rows]:
    """Number the distinct codes of `vectors`: the number of each row, the first row of each."""
    quantizer = faiss.ScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit)
    quantizer.train(vectors)
    numbers: dict[bytes, int] = {}
    nodes = np.empty(len(vectors), np.int32)
    firsts: list[int] = []
    for start in range(0, len(vectors), _BLOCK):
        codes = quantizer.compute_codes(vectors[start : start + _BLOCK])
        for row, code in enumerate(codes, start):
            nodes[row] = numbers.setdefault(blake2b(code, digest_size=16).digest(), len(numbers))
            if nodes[row] == len(firsts):
                firsts.append(row)
    return nodes, np.array(firsts, np.int64)
