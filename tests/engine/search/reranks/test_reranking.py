from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.search.candidates import Candidate, Passage
from molt.engine.search.reranks.reranking import (
    NAME,
    WEIGHT,
    Reranked,
    describe_reranking,
    reranked,
    weight_for,
)
from molt.index.ranking.reranking import FUSED_WEIGHT, Reranking, RerankKind

SCORES = st.floats(-1, 1, allow_nan=False, width=32)


def ranking(*scores: float) -> list[Candidate]:
    return [
        Candidate(at, score, Passage(0, 1), {"dense": score}) for at, score in enumerate(scores)
    ]


def ordinals(found: tuple[Candidate, ...]) -> list[int]:
    return [one.ordinal for one in found]


def test_without_weight_the_order_stays_and_with_all_of_it_the_second_score_decides() -> None:
    first, second = ranking(0.9, 0.8, 0.7), np.float32([0.1, 0.3, 0.2])
    assert ordinals(reranked(first, second, weight=0)) == [0, 1, 2]
    assert ordinals(reranked(first, second, weight=1)) == [1, 2, 0]


def test_half_and_half_adds_how_far_each_score_stands_out() -> None:
    first, second = ranking(0.9, 0.88, 0.2), np.float32([0.1, 0.9, 0.1])
    assert ordinals(reranked(first, second, weight=0.5)) == [1, 0, 2]


def test_a_second_score_that_tells_nothing_changes_nothing() -> None:
    first = ranking(0.9, 0.8, 0.7)
    found = reranked(first, np.float32([0.4, 0.4, 0.4]), weight=0.5)
    assert [one.score for one in found] == pytest.approx([0.9, 0.8, 0.7])


def test_where_the_first_scores_are_equal_the_second_decides() -> None:
    found = reranked(ranking(0.5, 0.5, 0.5), np.float32([0.1, 0.3, 0.2]), weight=0.5)
    assert ordinals(found) == [1, 2, 0]
    assert [one.score for one in found] == [0.5, 0.5, 0.5]


def test_equal_candidates_stay_in_their_order() -> None:
    found = reranked(ranking(0.5, 0.5, 0.5), np.zeros(3, np.float32), weight=0.5)
    assert ordinals(found) == [0, 1, 2]


def test_the_second_score_is_kept_beside_the_first() -> None:
    found = reranked(ranking(0.9, 0.8), np.float32([0.25, 0.5]), weight=1)
    assert [one.scores for one in found] == [
        {"dense": 0.8, NAME: 0.5},
        {"dense": 0.9, NAME: 0.25},
    ]


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=30), st.floats(0, 1))
def test_scores_fall_and_stay_within_those_of_the_candidates(
    pairs: list[tuple[float, float]], weight: float
) -> None:
    first = sorted((score for score, _ in pairs), reverse=True)
    second = np.float32([score for _, score in pairs])
    scores = [one.score for one in reranked(ranking(*first), second, weight=weight)]
    assert scores == sorted(scores, reverse=True)
    assert first[-1] <= scores[-1]
    assert scores[0] <= first[0]


def test_the_second_score_counts_less_where_several_retrievers_made_the_first() -> None:
    one, several = ranking(0.9), [*ranking(0.9), *ranking(0.8)]
    several[1] = replace(several[1], scores={"lexical": 3.0})
    wanted = Reranking(RerankKind.TOKENS)
    assert weight_for(wanted, one) == WEIGHT > FUSED_WEIGHT == weight_for(wanted, several)
    assert weight_for(replace(wanted, weight=0.7), several) == 0.7


def test_an_answer_tells_how_it_was_re_ranked() -> None:
    done = Reranked(Reranking(RerankKind.TOKENS, depth=20), 0.5, n_candidates=20, n_encoded=3)
    assert describe_reranking(done) == {
        "kind": "tokens",
        "depth": 20,
        "weight": 0.5,
    }
    assert describe_reranking(None) is None
