"""Click models on users whose truth is known, and on logs that can be counted by hand."""

import numpy as np
import pytest

from molt.training.clicks.cascading import fit_bayesian, fit_cascade, fit_simplified_bayesian
from molt.training.clicks.choosing import (
    choose_click_model,
    cross_validate_models,
    perplexity_by_rank,
    propensities,
)
from molt.training.clicks.click_log import ClickLog, last_clicks, skips_above_clicks
from molt.training.clicks.position_based import fit_position_based
from tests.training.clicks.simulated import (
    ABANDONS,
    ATTRACTS,
    EXAMINED,
    SATISFIES,
    click_by_position,
    click_from_the_top,
    simulate,
)
from tests.walks import shortened

SEEDS = shortened([1, 2, 3])


def made(pairs: list[list[int]], clicked: list[list[int]]) -> ClickLog:
    shown, clicks = np.array(pairs), np.array(clicked, dtype=bool)
    return ClickLog(shown, clicks, clicks.astype(float), int(shown.max()) + 1)


def test_sums_pass_over_ranks_where_nothing_was_shown() -> None:
    log = made([[0, 1, -1], [1, 0, 2]], [[1, 0, 0], [0, 1, 0]])
    assert log.sums(log.shown).tolist() == [2, 2, 1]
    assert log.sums(log.clicks).tolist() == [2, 0, 0]
    assert log.of_pairs(np.array([5.0, 6.0, 7.0])).tolist() == [[5, 6, 0], [6, 5, 7]]
    assert last_clicks(made([[0, 1], [0, 1]], [[0, 0], [1, 1]])).tolist() == [-1, 1]


def test_what_stands_above_the_last_click_without_one_was_skipped() -> None:
    log = made([[0, 1, 2], [0, 1, 2]], [[0, 1, 0], [0, 0, 0]])
    assert skips_above_clicks(log).tolist() == [1, 0, 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_position_based_model_finds_how_likely_each_rank_is_examined(seed: int) -> None:
    simulation = simulate(click_by_position, searches=20_000, seed=seed)
    model = fit_position_based(simulation.log)
    np.testing.assert_allclose(model.by_rank, EXAMINED, atol=0.06)
    for grade, truth in enumerate(ATTRACTS):
        mean = model.attractiveness[simulation.grades == grade].mean()
        assert mean == pytest.approx(truth, abs=0.06)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bayesian_network_finds_who_leaves_and_what_satisfies(seed: int) -> None:
    simulation = simulate(click_from_the_top, seed=seed)
    model = fit_bayesian(simulation.log)
    assert model.continuation == pytest.approx(1 - ABANDONS, abs=0.03)
    read = simulation.log.sums(model.examination(simulation.log)) > 50
    for grade, truth in enumerate(ATTRACTS):
        of_grade = read & (simulation.grades == grade)
        assert model.attractiveness[of_grade].mean() == pytest.approx(truth, abs=0.05)
    best = model.satisfaction[read & (simulation.grades == 3)].mean()
    assert best == pytest.approx(SATISFIES[3], abs=0.06)


def test_the_cascade_model_counts_what_was_read_up_to_the_first_click() -> None:
    log = made([[0, 1], [0, 1], [1, 0]] * 400, [[0, 1], [1, 0], [0, 0]] * 400)
    found = fit_cascade(log).attractiveness
    np.testing.assert_allclose(found, [1 / 3, 1 / 2], atol=0.01)


def test_the_simplified_network_takes_the_last_click_for_the_one_that_satisfied() -> None:
    log = made([[0, 1, 2]] * 300, [[1, 0, 1], [1, 0, 0], [0, 0, 1]] * 100)
    model = fit_simplified_bayesian(log)
    np.testing.assert_allclose(model.attractiveness, [2 / 3, 0, 1], atol=0.01)
    np.testing.assert_allclose(model.satisfaction[[0, 2]], [1 / 2, 1], atol=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_held_out_clicks_choose_the_kind_of_users_that_there_are(seed: int) -> None:
    by_position = cross_validate_models(simulate(click_by_position, searches=4000, seed=seed).log)
    assert by_position[0].model == "position-based"
    from_the_top = cross_validate_models(simulate(click_from_the_top, searches=4000, seed=seed).log)
    assert from_the_top[0].model == "dynamic Bayesian"


def test_propensities_are_those_of_the_model_that_was_chosen() -> None:
    log = simulate(click_by_position, searches=6000, seed=1).log
    model = choose_click_model(log, cross_validate_models(log))
    found = propensities(model, log)
    assert found[0] == 1.0
    np.testing.assert_allclose(found, EXAMINED, atol=0.12)


def test_perplexity_is_one_for_the_sure_and_two_for_a_coin() -> None:
    clicks, shown = np.array([[1.0, 0.0], [0.0, 1.0]]), np.ones((2, 2))
    sure = perplexity_by_rank(clicks, clicks, shown)
    np.testing.assert_allclose(sure, 1.0, atol=1e-4)
    np.testing.assert_allclose(perplexity_by_rank(clicks, np.full((2, 2), 0.5), shown), 2.0)
