import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.ranking.fusing import FusedHits, LegHits, fuse, unite
from molt.index.ranking.fusion import RECIPROCAL_RANKS as RRF
from molt.index.ranking.fusion import Fusion

DENSE = Fusion(dense=1.0)
LEXICAL = Fusion(dense=0.0)


def leg(scores: dict[int, float], *, ceiling: float = 1.0, whole: bool = False) -> LegHits:
    order = sorted(scores, key=lambda one: (-scores[one], one))
    values = np.array([scores[one] for one in order], np.float64)
    return LegHits(np.array(order, np.int64), values, ceiling, whole)


def ranking(found: FusedHits) -> list[int]:
    return found.ids.tolist()


LEGS = st.dictionaries(st.integers(0, 20), st.floats(0, 1), max_size=12).map(leg)
FUSIONS = st.floats(0, 1).map(lambda weight: Fusion(dense=weight)) | st.sampled_from(
    [Fusion(), RRF]
)


def test_a_weight_of_one_leaves_the_dense_ranking_as_it_is() -> None:
    dense, lexical = leg({1: 0.9, 2: 0.5, 3: 0.4}), leg({3: 8.0, 2: 2.0}, ceiling=10.0)
    assert ranking(fuse(dense, lexical, DENSE)) == [1, 2, 3]
    assert fuse(dense, lexical, DENSE).scores.tolist() == [0.9, 0.5, 0.4]


def test_a_weight_of_zero_leaves_the_lexical_ranking_by_shares_of_its_ceiling() -> None:
    dense = leg({1: 0.9, 2: 0.5, 3: 0.4})
    lexical = leg({3: 8.0, 2: 2.0}, ceiling=10.0, whole=True)
    found = fuse(dense, lexical, LEXICAL)
    assert ranking(found) == [3, 2, 1]
    assert found.scores.tolist() == pytest.approx([0.8**1.5, 0.2**1.5, 0.0])


def test_a_score_is_the_weighted_mean_of_what_both_say() -> None:
    found = fuse(leg({1: 0.8}), leg({1: 5.0}, ceiling=10.0), Fusion(dense=0.25))
    assert found.scores.tolist() == [pytest.approx(0.25 * 0.8 + 0.75 * 0.5**1.5)]


def test_what_a_leg_did_not_find_has_as_much_of_it_as_its_last() -> None:
    union = unite(leg({1: 0.9, 2: 0.6}), leg({3: 0.7}))
    assert union.ids.tolist() == [1, 2, 3]
    assert union.dense.tolist() == [0.9, 0.6, 0.6]


def test_what_a_leg_that_found_all_did_not_find_has_nothing_of_it() -> None:
    union = unite(leg({1: 0.9, 2: 0.6}), leg({3: 0.7}, whole=True))
    assert union.lexical.tolist() == [0.0, 0.0, 0.7**1.5]


def test_a_cosine_below_none_counts_as_none() -> None:
    assert unite(leg({1: -0.3}), leg({})).dense.tolist() == [0.0]


def test_equal_scores_come_by_rising_id() -> None:
    assert ranking(fuse(leg({4: 0.5, 2: 0.5, 3: 0.5}), leg({}), DENSE)) == [2, 3, 4]


def test_reciprocal_ranks_are_those_that_were_published_over_the_most_there_can_be() -> None:
    found = fuse(leg({1: 0.9, 2: 0.6}), leg({2: 3.0}), RRF)
    published = {1: 1 / 61, 2: 1 / 62 + 1 / 61}
    assert ranking(found) == [2, 1]
    assert found.scores.tolist() == [pytest.approx(published[one] / (2 / 61)) for one in (2, 1)]


def test_the_first_of_both_legs_has_the_highest_score_there_is() -> None:
    found = fuse(leg({1: 1.0, 2: 0.1}), leg({1: 10.0, 2: 1.0}, ceiling=10.0), Fusion(dense=0.3))
    assert found.scores[0] == 1.0
    assert fuse(leg({1: 1.0}), leg({1: 1.0}), RRF).scores[0] == 1.0


@given(LEGS, LEGS, FUSIONS)
def test_every_candidate_comes_once_by_a_falling_score_within_bounds(
    dense: LegHits, lexical: LegHits, fusion: Fusion
) -> None:
    found = fuse(dense, lexical, fusion)
    assert sorted(ranking(found)) == sorted({*dense.ids.tolist(), *lexical.ids.tolist()})
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


@given(LEGS, LEGS, FUSIONS)
def test_a_candidate_that_both_legs_rank_higher_never_scores_less(
    dense: LegHits, lexical: LegHits, fusion: Fusion
) -> None:
    found = fuse(dense, lexical, fusion)
    score = dict(zip(ranking(found), found.scores.tolist(), strict=True))
    both = [one for one in dense.ids.tolist() if one in set(lexical.ids.tolist())]
    for better in both:
        for worse in both:
            if all(_score(one, better) > _score(one, worse) for one in (dense, lexical)):
                assert score[better] >= score[worse]


def _score(one: LegHits, doc: int) -> float:
    return float(one.scores[one.ids.tolist().index(doc)])
