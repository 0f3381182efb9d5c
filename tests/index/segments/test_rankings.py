import numpy as np

from molt.index.segments.exact import rank_queries


def unit(random: np.random.Generator, count: int) -> np.ndarray:
    vectors = random.standard_normal((count, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_best_documents_come_first_and_none_is_missed() -> None:
    random = np.random.default_rng(0)
    queries, documents = unit(random, 20), unit(random, 500)
    run = rank_queries(queries, documents, depth=7, threads=2)
    scores = queries.astype(np.float64) @ documents.T.astype(np.float64)
    assert (run.rows == np.argsort(-scores, axis=1)[:, :7]).all()
    np.testing.assert_allclose(run.scores, np.sort(scores)[:, ::-1][:, :7], atol=1e-6)


def test_equal_scores_rank_by_the_documents_order() -> None:
    random = np.random.default_rng(1)
    query = unit(random, 1)
    others = unit(random, 300)
    documents = others.copy()
    documents[[5, 40, 41, 170, 299]] = query[0]
    run = rank_queries(query, documents, depth=3, threads=2)
    assert run.rows.tolist() == [[5, 40, 41]]


def test_a_small_corpus_is_ranked_whole() -> None:
    vectors = unit(np.random.default_rng(2), 4)
    run = rank_queries(vectors, vectors, depth=100, threads=2)
    assert run.rows.shape == (4, 4)
    assert run.rows[:, 0].tolist() == [0, 1, 2, 3]
    assert (run.rows.dtype, run.scores.dtype) == (np.int32, np.float32)
