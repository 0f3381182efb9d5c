"""Interleaving: what every drawn list keeps, and that clicks by position alone favour nobody."""

from collections.abc import Sequence
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.watch.experiments.interleaving import (
    Interleaved,
    InterleavingMethod,
    credit_of,
    drawn_by_lot,
    interleave,
    probabilistic,
    seed_of,
    team_draft,
)

METHODS = get_args(InterleavingMethod)
IDS = [f"d{number}" for number in range(12)]
rankings = st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS))
seeds = st.integers(0, 2**64 - 1)
many = range(4000)


@given(a=rankings, b=rankings, k=st.integers(1, 12), seed=seeds, method=st.sampled_from(METHODS))
def test_each_document_of_either_ranking_is_shown_once_at_most(
    a: list[str], b: list[str], k: int, seed: int, method: InterleavingMethod
) -> None:
    drawn = interleave(method, a, b, k=k, seed=seed)
    assert len(drawn.shown) == len({*drawn.shown}) == min(k, len({*a, *b}))
    assert {*drawn.shown} <= {*a, *b}
    assert len(drawn.teams) == len(drawn.credits) == len(drawn.shown)
    assert all(-1 <= credit <= 1 for credit in drawn.credits)


@given(a=rankings, b=rankings, k=st.integers(1, 12), seed=seeds)
def test_a_draft_shows_a_beginning_of_each_ranking(
    a: list[str], b: list[str], k: int, seed: int
) -> None:
    drawn = team_draft(a, b, k=k, seed=seed)
    for at, (doc_id, team) in enumerate(zip(drawn.shown, drawn.teams, strict=True)):
        own = a if team == "a" else b
        assert {*own[: own.index(doc_id)]} <= {*drawn.shown[:at]}


@given(order=st.permutations(IDS), other=st.permutations(IDS), k=st.integers(1, 12), seed=seeds)
def test_the_teams_of_a_draft_are_of_a_size(
    order: list[str], other: list[str], k: int, seed: int
) -> None:
    drawn = team_draft(order, other, k=k, seed=seed)
    assert abs(drawn.teams.count("a") - drawn.teams.count("b")) <= 1


@given(order=st.permutations(IDS), other=st.permutations(IDS), k=st.integers(1, 11), seed=seeds)
def test_a_page_goes_on_where_the_one_before_it_ended(
    order: list[str], other: list[str], k: int, seed: int
) -> None:
    whole = team_draft(order, other, k=12, seed=seed)
    page = team_draft(order[: k + 1], other[: k + 1], k=k, seed=seed)
    assert page == Interleaved(whole.shown[:k], whole.teams[:k], whole.credits[:k])


@given(order=st.permutations(IDS), seed=seeds, method=st.sampled_from(METHODS))
def test_what_both_rank_alike_credits_nobody(
    order: list[str], seed: int, method: InterleavingMethod
) -> None:
    assert {*interleave(method, order, order, k=9, seed=seed).credits} == {0.0}


@given(order=st.permutations(IDS), seed=seeds)
def test_a_draft_of_equal_rankings_is_that_ranking(order: list[str], seed: int) -> None:
    assert list(team_draft(order, order, k=12, seed=seed).shown) == order


def test_a_document_that_only_one_ranking_puts_first_speaks_for_it() -> None:
    drawn = team_draft(["x", "y"], ["y", "x"], k=2, seed=1)
    said = dict(zip(drawn.shown, drawn.credits, strict=True))
    assert said == {"x": -1.0, "y": 1.0}


def test_of_a_round_with_one_favourite_only_the_second_document_speaks() -> None:
    for seed in range(20):
        drawn = team_draft(["x", "y", "z"], ["x", "z", "y"], k=2, seed=seed)
        speaks = {"y": (0.0, -1.0), "z": (0.0, 1.0)}
        assert drawn.credits == speaks[drawn.shown[1]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("abcdef", "bcafed"),
        ("abcdef", "fedcba"),
        ("abcdef", "abfdce"),
        ("abc", "bcdefa"),
        ("ab", "xyzabc"),
    ],
)
def test_whoever_clicks_by_position_alone_favours_nobody(
    a: str, b: str, method: InterleavingMethod
) -> None:
    totals = [0.0] * 5
    for seed in many:
        drawn = interleave(method, list(a), list(b), k=5, seed=seed_of(a, b, seed))
        for at, credit in enumerate(drawn.credits):
            totals[at] += credit
    assert all(abs(total) < 4.5 * len(many) ** 0.5 for total in totals), totals


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("positions", [(0, 1), (0, 2), (0, 1, 2), (1, 3, 4)])
def test_several_clicks_by_position_favour_nobody_either(
    method: InterleavingMethod, positions: Sequence[int]
) -> None:
    total = 0.0
    for seed in many:
        drawn = interleave(method, list("abcdef"), list("acbfde"), k=5, seed=seed)
        said = dict(zip(drawn.shown, drawn.credits, strict=True))
        total += credit_of(said, [drawn.shown[at] for at in positions])[2]
    assert abs(total) < 4.5 * len(many) ** 0.5


def test_a_probabilistic_credit_is_how_likely_each_team_was_to_draw_the_document() -> None:
    drawn = probabilistic(["x", "y"], ["y", "x"], k=2, seed=3)
    first, second = 1 / (1 + 1 / 8), (1 / 8) / (1 + 1 / 8)
    by_b = {"x": second - first, "y": first - second}
    assert drawn.credits[0] == pytest.approx(by_b[drawn.shown[0]])
    assert drawn.credits[1] == 0.0  # one document is left to both


def test_the_credit_of_clicks_is_a_share_of_them_and_each_document_counts_once() -> None:
    said = {"x": -1.0, "y": 1.0, "z": 0.0}
    assert credit_of(said, ["y", "y", "y"]) == (0.0, 1.0, 1.0)
    assert credit_of(said, ["y", "z"]) == (0.0, 1.0, 0.5)
    assert credit_of(said, ["x", "y"]) == (1.0, 1.0, 0.0)
    assert credit_of(said, ["somewhere else"]) == (0.0, 0.0, 0.0)


def test_the_share_is_chosen_alike_each_time_and_is_as_large_as_it_should_be() -> None:
    drawn = [drawn_by_lot(0.3, "shop", number) for number in range(5000)]
    assert drawn == [drawn_by_lot(0.3, "shop", number) for number in range(5000)]
    assert 0.27 < sum(drawn) / 5000 < 0.33
    assert all(drawn_by_lot(1.0, number) for number in range(100))


def test_a_seed_tells_apart_what_only_looks_alike_when_it_is_joined() -> None:
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c")]
    assert all(seed_of(*x) != seed_of(*y) for x, y in product(parts, parts) if x != y)
    assert seed_of("shop", 1) == 13528970744393353175  # in every process and version
