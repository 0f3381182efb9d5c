"""One contract for both ways to search a segment's vectors: exactly, and through its graph."""

import numpy as np
import pytest

from molt.index.segments.ann import read_graph, write_graph
from molt.index.segments.exact import search_exactly


@pytest.fixture(params=["exact", "graph"])
def search(request, tmp_path, segment_vectors):
    """A search over `search.vectors`, 2,000 rows."""
    vectors = segment_vectors(2_000)

    def exact(query, *, k, mask=None):
        return search_exactly(vectors, query, k=k, mask=mask)

    def graph(query, *, k, mask=None):
        return opened.search(vectors, query, k=k, mask=mask)

    if request.param == "graph":
        files = (tmp_path / "ann.faiss", tmp_path / "nodes.npy")
        write_graph(*files, vectors=vectors)
        opened = read_graph(*files)
    chosen = exact if request.param == "exact" else graph
    chosen.vectors = vectors  # type: ignore[attr-defined]
    return chosen


def best(vectors, query, *, k, mask=None):
    scores = vectors @ query
    if mask is not None:
        scores = np.where(mask, scores, -2)
    return np.argsort(-scores, kind="stable")[:k]


def test_the_best_rows_come_first(search, segment_vectors):
    queries = segment_vectors(50, seed=1)
    found = [search(query, k=10).rows for query in queries]
    hits = [
        len(set(rows) & set(best(search.vectors, query, k=10)))
        for rows, query in zip(found, queries, strict=True)
    ]
    assert sum(hits) / 500 >= 0.99


def test_a_score_is_the_exact_inner_product(search, segment_vectors):
    query = segment_vectors(1, seed=2)[0]
    found = search(query, k=20)
    assert found.scores == pytest.approx(search.vectors[found.rows] @ query, abs=1e-6)
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_only_rows_of_the_mask_are_found(search, segment_vectors, share):
    mask = np.random.default_rng(3).random(2_000) < share
    for query in segment_vectors(10, seed=4):
        rows = search(query, k=10, mask=mask).rows
        assert mask[rows].all()
        assert len(set(rows) & set(best(search.vectors, query, k=10, mask=mask))) >= 9


def test_a_row_is_found_once(search, segment_vectors):
    rows = search(segment_vectors(1, seed=5)[0], k=100).rows
    assert len(set(rows.tolist())) == 100


def test_an_empty_mask_finds_nothing(search, segment_vectors):
    found = search(segment_vectors(1)[0], k=5, mask=np.zeros(2_000, bool))
    assert (len(found.rows), len(found.scores)) == (0, 0)


def test_a_query_that_is_not_a_number_finds_no_invented_row(search):
    rows = search(np.full(16, np.nan, np.float32), k=5).rows
    assert ((rows >= 0) & (rows < 2_000)).all()


def test_the_dtypes_are_float32_and_int64(search, segment_vectors):
    found = search(segment_vectors(1)[0], k=3)
    assert (found.scores.dtype, found.rows.dtype) == (np.float32, np.int64)
