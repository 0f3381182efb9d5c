"""The graph: when it is asked, and that it survives its file."""

import numpy as np
import pytest

from molt.index.segments.ann import Graph, build_graph, read_graph, write_graph
from molt.index.segments.exact import search_exactly


class Sized:
    """What `Graph` needs to know of an index of 75,000 rows to choose."""

    ntotal, d = 75_000, 384


@pytest.mark.parametrize(
    ("kept", "faster"), [(7, False), (75, False), (750, False), (37_000, True), (75_000, True)]
)
def test_a_selective_mask_is_searched_exactly_and_a_broad_one_through_the_graph(kept, faster):
    assert Graph(Sized(), np.arange(75_000)).is_faster(k=10, kept=kept) is faster


def test_a_very_large_k_is_searched_exactly():
    assert not Graph(Sized(), np.arange(75_000)).is_faster(k=10_000, kept=75_000)


def test_a_graph_finds_the_same_after_it_was_written_and_mapped(tmp_path, segment_vectors):
    vectors = segment_vectors(1_000)
    files = (tmp_path / "ann.faiss", tmp_path / "nodes.npy")
    write_graph(*files, vectors=vectors)
    mapped, fresh = read_graph(*files), Graph(*build_graph(vectors))
    for query in segment_vectors(10, seed=1):
        expected = fresh.search(vectors, query, k=10).rows.tolist()
        assert mapped.search(vectors, query, k=10).rows.tolist() == expected


def repeated(vectors):
    """`vectors`, with 2,000 equal rows among the first 2,500."""
    vectors[500:2_500] = vectors[500]
    return vectors


def test_many_equal_vectors_do_not_hide_the_others(segment_vectors):
    vectors = repeated(segment_vectors(3_000))
    graph = Graph(*build_graph(vectors))
    assert graph.n_nodes == 1_001
    for query in segment_vectors(40, seed=1):
        expected = search_exactly(vectors, query, k=10).rows.tolist()
        assert graph.search(vectors, query, k=10).rows.tolist() == expected


def test_equal_rows_are_found_as_far_as_the_mask_holds(segment_vectors):
    vectors = repeated(segment_vectors(3_000))
    mask = np.arange(3_000) % 2 == 1
    found = Graph(*build_graph(vectors)).search(vectors, vectors[500], k=50, mask=mask)
    assert found.rows.tolist() == list(range(501, 601, 2))


def grown(tmp_path, vectors, *, first):
    """A graph of `vectors` that was grown from one of the `first` rows, in another order."""
    files = (tmp_path / "ann.faiss", tmp_path / "nodes.npy")
    write_graph(*files, vectors=vectors[first])
    places = np.asarray(first)
    seed = read_graph(*files).seed(np.arange(len(first)), places=places, n_rows=len(vectors))
    return Graph(*build_graph(vectors, seed=seed))


def test_a_graph_that_has_grown_finds_what_a_new_one_finds(tmp_path, segment_vectors):
    vectors = repeated(segment_vectors(3_000))
    graph = grown(tmp_path, vectors, first=range(1, 3_000, 2))
    assert graph.n_nodes == 1_001
    for query in segment_vectors(40, seed=1):
        expected = search_exactly(vectors, query, k=10).rows.tolist()
        assert graph.search(vectors, query, k=10).rows.tolist() == expected


def test_nodes_whose_rows_are_gone_propose_nothing(tmp_path, segment_vectors):
    vectors = segment_vectors(1_000)
    files = (tmp_path / "ann.faiss", tmp_path / "nodes.npy")
    write_graph(*files, vectors=vectors)
    kept = np.arange(100, 1_000)
    seed = read_graph(*files).seed(kept, places=np.arange(900), n_rows=900)
    graph = Graph(*build_graph(vectors[kept], seed=seed))
    assert graph.n_nodes == 1_000
    for query in segment_vectors(40, seed=1):
        expected = search_exactly(vectors[kept], query, k=10).rows.tolist()
        assert graph.search(vectors[kept], query, k=10).rows.tolist() == expected


def test_a_graph_most_of_whose_rows_are_gone_is_not_grown(tmp_path, segment_vectors):
    files = (tmp_path / "ann.faiss", tmp_path / "nodes.npy")
    write_graph(*files, vectors=segment_vectors(1_000))
    graph = read_graph(*files)
    assert graph.seed(np.arange(799), places=np.arange(799), n_rows=799) is None
    assert graph.seed(np.arange(800), places=np.arange(800), n_rows=800) is not None
