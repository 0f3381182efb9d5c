import numpy as np

from molt.index.catalog.judgments import Query
from molt.training.evaluation.labelling import most_different
from molt.training.evaluation.runs import Run

DOC_IDS = [f"d{at}" for at in range(40)]
QUERIES = [Query("q0", "same"), Query("q1", "other"), Query("q2", "turned"), Query("q3", "short")]


def run(*orders: list[int]) -> Run:
    rows = np.full((len(orders), 12), -1, np.int32)
    for at, order in enumerate(orders):
        rows[at, : len(order)] = order
    return Run(tuple(query.id for query in QUERIES), rows, np.zeros(rows.shape, np.float32))


TEN = [*range(10)]
BASELINE = run(TEN, TEN, TEN, [1])
CANDIDATE = run([*TEN, 30], [*range(20, 30)], TEN[::-1], [2])


def test_queries_come_by_how_differently_they_are_ranked_and_equal_ones_not_at_all() -> None:
    found = most_different(QUERIES, BASELINE, CANDIDATE, doc_ids=DOC_IDS, n=9)
    assert [one.query_id for one in found[:1]] == ["q1"]
    assert {one.query_id for one in found} == {"q1", "q2", "q3"}
    differences = [one.difference for one in found]
    assert differences == sorted(differences, reverse=True)
    assert differences[0] == 1


def test_the_best_ten_of_both_are_pooled_by_the_best_rank_that_either_gives() -> None:
    (first,) = most_different(QUERIES, BASELINE, CANDIDATE, doc_ids=DOC_IDS, n=1)
    assert first.query == "other"
    assert first.doc_ids[:4] == ("d0", "d20", "d1", "d21")
    assert len(first.doc_ids) == 20


def test_a_ranking_that_ends_early_pools_what_it_has() -> None:
    found = most_different(QUERIES, BASELINE, CANDIDATE, doc_ids=DOC_IDS, n=9)
    assert next(one.doc_ids for one in found if one.query_id == "q3") == ("d1", "d2")
