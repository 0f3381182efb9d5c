"""Exact search: ties, sizes and counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.segments.exact import rank_rows, rows_reaching, search_exactly


def test_more_rows_than_there_are_gives_all_of_them(segment_vectors):
    assert sorted(search_exactly(segment_vectors(3), segment_vectors(1)[0], k=10).rows) == [0, 1, 2]


def test_no_rows_are_found_where_none_are_wanted(segment_vectors):
    assert len(search_exactly(segment_vectors(3), segment_vectors(1)[0], k=0).rows) == 0


@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
def test_pages_of_equal_scores_never_overlap(segment_vectors, share):
    vectors = np.repeat(segment_vectors(4), 100, axis=0)
    mask = np.random.default_rng(0).random(400) < share
    query = segment_vectors(1, seed=9)[0]
    whole = search_exactly(vectors, query, k=400, mask=mask).rows
    for k in (1, 7, 30, 150):
        assert search_exactly(vectors, query, k=k, mask=mask).rows.tolist() == whole[:k].tolist()


def test_a_mask_that_holds_everywhere_changes_nothing(segment_vectors):
    vectors, query = segment_vectors(50), segment_vectors(1, seed=1)[0]
    found = search_exactly(vectors, query, k=5, mask=np.ones(50, bool))
    assert found.rows.tolist() == search_exactly(vectors, query, k=5).rows.tolist()


def test_chosen_rows_are_ranked(segment_vectors):
    vectors, query = segment_vectors(50), segment_vectors(1, seed=1)[0]
    rows = np.array([40, 3, 17])
    ranked = rank_rows(vectors, query, rows=rows, k=2).rows
    assert ranked.tolist() == rows[np.argsort(-(vectors[rows] @ query))][:2].tolist()


def test_rows_reaching_a_score_include_those_that_equal_it():
    vectors = np.eye(4, dtype=np.float32)
    query = np.array([1.0, 0.5, 0.5, 0.25], np.float32)
    assert rows_reaching(vectors, query, score=0.5).tolist() == [0, 1, 2]
    mask = np.array([False, True, False, True])
    assert rows_reaching(vectors, query, score=0.5, mask=mask).tolist() == [1]
    assert rows_reaching(vectors, query, score=2.0).tolist() == []


@given(
    n=st.integers(1, 60),
    k=st.integers(1, 70),
    seed=st.integers(0, 1_000),
    share=st.sampled_from([None, 0.0, 0.1, 0.5, 1.0]),
)
def test_exact_search_agrees_with_sorting_every_score(n, k, seed, share):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, size=(n, 4)).astype(np.float32)  # exact sums, and many ties
    query = rng.integers(-2, 3, size=4).astype(np.float32)
    mask = None if share is None else rng.random(n) < share
    rows = np.arange(n) if mask is None else mask.nonzero()[0]
    expected = sorted(rows.tolist(), key=lambda row: (-float(vectors[row] @ query), row))[:k]
    found = search_exactly(vectors, query, k=k, mask=mask)
    assert found.rows.tolist() == expected
    assert found.scores.tolist() == (vectors[expected] @ query).tolist()
