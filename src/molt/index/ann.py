"""The graph of a large segment: FAISS HNSW over 8-bit codes, rescored from the exact vectors.

The graph proposes rows and `exact` scores them, so a score never depends on how its row was
found. Where the graph would lose recall or time, that is for a selective mask or a large `k`,
`is_faster` says no and the segment is searched exactly.
"""

from pathlib import Path

import faiss
import numpy as np

from molt.index.exact import Mask, Ranked, Vectors, bitmap, rank_rows

MIN_ROWS = 20_000
LINKS = 32
EF_CONSTRUCTION = 200
EF_SEARCH = 160

_VISIT_COST = 10  # visiting a node of the graph costs about as much as scoring ten rows exactly
_BUILD_SLICE = 8_192


class Graph:
    """An opened graph over `n_rows` rows. Safe to search from many threads at once."""

    def __init__(self, index: faiss.IndexHNSWSQ) -> None:
        self._index = index
        self.n_rows: int = index.ntotal
        self.dimension: int = index.d

    def is_faster(self, *, k: int, kept: int) -> bool:
        """Should the graph answer for `k` of `kept` rows, rather than exact search?"""
        return _effort(k, share=kept / self.n_rows) * _VISIT_COST < kept

    def search(
        self, vectors: Vectors, query: Vectors, *, k: int, mask: Mask | None = None
    ) -> Ranked:
        """About the `k` best rows; fewer where the graph reaches fewer rows of `mask`."""
        share = 1.0 if mask is None else float(mask.mean())
        if share == 0.0:
            share = 1.0 / self.n_rows
        parameters = faiss.SearchParametersHNSW(
            efSearch=_effort(k, share=share), sel=None if mask is None else bitmap(mask)
        )
        faiss.omp_set_num_threads(1)
        _, rows = self._index.search(query[None], 2 * k + 20, params=parameters)
        return rank_rows(vectors, query, rows=rows[0][rows[0] >= 0], k=k)


def build_graph(vectors: Vectors) -> faiss.IndexHNSWSQ:
    """Build the graph of `vectors` `(n, dim) float32` on one thread, without holding the GIL.

    Parameters: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search
    using Hierarchical Navigable Small World graphs", section 4.
    """
    faiss.omp_set_num_threads(1)
    quantizer = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexHNSWSQ(vectors.shape[1], quantizer, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.train(vectors)
    for start in range(0, len(vectors), _BUILD_SLICE):
        index.add(vectors[start : start + _BUILD_SLICE])
    return index


def write_graph(path: Path, vectors: Vectors) -> None:
    """Build the graph of `vectors` and write it."""
    faiss.write_index(build_graph(vectors), str(path))


def read_graph(path: Path) -> Graph:
    """Map a graph that `write_graph` wrote. The caller has verified the file.

    Processes that map one file share its pages; raises `RuntimeError` where it holds no graph.
    """
    return Graph(faiss.downcast_index(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)))


def _effort(k: int, *, share: float) -> int:
    """How many nodes to visit so that enough of them are kept (`efSearch`)."""
    return int(np.ceil(max(EF_SEARCH, 3 * k) / share))
