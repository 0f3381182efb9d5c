import math

import numpy as np
import pytest

from molt.engine.runs import Run
from molt.training.evaluation.measures import MEASURES, measure

IDS = [f"d{at}" for at in range(200)]


def run_of(*rankings: list[int]) -> Run:
    rows = np.array(rankings, np.int32)
    ids = tuple(f"q{at}" for at in range(len(rankings)))
    return Run(ids, rows, np.zeros(rows.shape, np.float32))


def full(*first: int, depth: int = 100) -> list[int]:
    """A ranking that begins so, and goes on with documents that nobody judged."""
    return [*first, *range(100, 100 + depth - len(first))]


def test_each_measure_has_the_value_computed_by_hand() -> None:
    qrels = {"q0": {"d1": 2, "d2": 1, "d3": 1, "d4": 0}}
    found = measure(run_of(full(4, 1, 50, 2)), doc_ids=IDS, qrels=qrels)
    gain = 2 / math.log2(3) + 1 / math.log2(5)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    expected = {
        "nDCG@10": gain / ideal,
        "RR@10": 1 / 2,
        "AP": (1 / 2 + 2 / 4) / 3,
        "P@10": 2 / 10,
        "R@10": 2 / 3,
        "R@100": 2 / 3,
    }
    assert {name: float(values[0]) for name, values in found.items()} == pytest.approx(expected)


def test_what_lies_beyond_the_tenth_rank_counts_only_where_it_should() -> None:
    found = measure(run_of(full(*range(50, 60), 7)), doc_ids=IDS, qrels={"q0": {"d7": 1}})
    assert {name: float(found[name][0]) for name in MEASURES} == pytest.approx(
        {"nDCG@10": 0, "RR@10": 0, "AP": 1 / 11, "P@10": 0, "R@10": 0, "R@100": 1}
    )


def test_queries_that_found_nothing_count_as_zero_in_their_place() -> None:
    qrels = {"q0": {"d199": 1}, "q1": {"d3": 1}, "q2": {"d1": 0}, "q3": {}}
    rankings = [full(1), full(3), full(1), full(1)]
    found = measure(run_of(*rankings), doc_ids=IDS[:199], qrels=qrels)
    for name in MEASURES:
        assert found[name].shape == (4,)
        assert found[name][[0, 2, 3]].tolist() == [0, 0, 0]
        assert found[name][1] > 0


def test_judgments_of_documents_outside_the_corpus_do_not_count() -> None:
    qrels = {"q0": {"d1": 1, "gone": 1}}
    found = measure(run_of(full(1)), doc_ids=IDS, qrels=qrels)
    assert found["R@10"].tolist() == [1.0]


def test_the_ranking_s_own_order_counts_where_scores_are_equal() -> None:
    qrels = {"q0": {"d9": 1}}
    first, last = (
        measure(run_of(full(*order)), doc_ids=IDS, qrels=qrels)
        for order in ((9, 10, 11), (11, 10, 9))
    )
    assert (first["RR@10"][0], last["RR@10"][0]) == pytest.approx((1, 1 / 3))


def test_ids_may_hold_any_character() -> None:
    ids = ["a\0b", "\N{RIGHT-TO-LEFT OVERRIDE}", "with space", "\ud800"]
    run = Run(("q\0\t",), np.array([[2, 3, 0, 1]], np.int32), np.zeros((1, 4), np.float32))
    found = measure(run, doc_ids=ids, qrels={"q\0\t": {"\ud800": 1}})
    assert found["RR@10"].tolist() == [0.5]
