from dataclasses import replace

import numpy as np
import pytest

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.evaluation.examples import Examples, Pairing, excerpt_of
from molt.training.evaluation.runs import Run
from tests.training.judging import corpus_of

CORPUS = corpus_of(*(Document(f"d{at}", f"text {at}", f"title {at}") for at in range(6)))
QUERIES = [Query(f"q{at}", f"query {at}") for at in range(4)]
QRELS = {"q0": {"d5": 1, "d2": 3, "d0": 0}, "q1": {"d1": 1}, "q2": {"d1": 1}, "q3": {"d1": 1}}


def run(*rankings: list[int]) -> Run:
    rows = np.array(rankings, np.int32)
    return Run(tuple(query.id for query in QUERIES), rows, np.zeros(rows.shape, np.float32))


PAIRING = Pairing(
    run([0, 1, 2], [1, 2, 3], [1, 2, 3], [1, 2, 3]),
    run([2, 0, 1], [3, 1, 2], [1, 2, 3], [2, 1, 3]),
    np.array([0.2, 1.0, 1.0, 1.0]),
    np.array([0.9, 0.6, 1.0, 0.4]),
)


@pytest.fixture
def examples() -> Examples:
    return Examples(CORPUS, queries=QUERIES, qrels=QRELS)


def test_only_queries_that_changed_in_that_direction_are_shown(examples: Examples) -> None:
    assert [each.query_id for each in examples.most_improved(PAIRING, n=10)] == ["q0"]
    assert [each.query_id for each in examples.most_worsened(PAIRING, n=10)] == ["q3", "q1"]


def test_at_most_n_are_shown(examples: Examples) -> None:
    assert [each.query_id for each in examples.most_worsened(PAIRING, n=1)] == ["q3"]


def test_an_example_shows_both_rankings_and_the_ranks_of_its_answers(examples: Examples) -> None:
    (example,) = examples.most_improved(PAIRING, n=1)
    assert (example.query, example.baseline, example.candidate) == ("query 0", 0.2, 0.9)
    assert [each.doc_id for each in example.baseline_top] == ["d0", "d1", "d2"]
    assert [each.grade for each in example.candidate_top] == [3, 0, None]
    ranks = [(each.document.doc_id, each.baseline_rank, each.candidate_rank)
             for each in example.answers]  # fmt: skip
    assert ranks == [("d2", 3, 1), ("d5", None, None)]


def test_a_long_text_is_cut_on_one_line_and_made_writable() -> None:
    assert excerpt_of("a\n\n b\tc", chars=10) == "a b c"
    assert excerpt_of("x" * 50, chars=10) == "x" * 9 + "…"
    assert excerpt_of("a\ud800b", chars=10) == "a?b"


def test_a_ranking_that_found_little_shows_no_more_than_that(examples: Examples) -> None:
    short = replace(PAIRING, baseline=run([0, -1, -1], [1, 2, 3], [1, 2, 3], [1, 2, 3]))
    (example,) = examples.most_improved(short, n=1)
    assert [each.doc_id for each in example.baseline_top] == ["d0"]
