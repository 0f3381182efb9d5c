"""Judgments from biased clicks, against the truth that simulated users have."""

import numpy as np
import pytest

from molt.training.clicks.abuse import suspect
from molt.training.clicks.choosing import choose_click_model, cross_validate_models
from molt.training.clicks.click_log import ClickLog, skips_above_clicks
from molt.training.clicks.counterfactual import Estimates, estimate_relevance
from molt.training.clicks.grading import UNTOLD, grade_pairs
from tests.training.clicks.simulated import (
    ATTRACTS,
    EXAMINED,
    Click,
    Simulation,
    click_by_position,
    click_by_trust,
    click_from_the_top,
    ndcg,
    simulate,
)
from tests.walks import shortened

SEEDS = shortened([1, 2, 3, 4, 5])
USERS = [click_by_position, click_by_trust, click_from_the_top]


def estimated(log: ClickLog) -> Estimates:
    model = choose_click_model(log, cross_validate_models(log, folds=2))
    return estimate_relevance(log, model.examination(log))


def without_suspects(simulation: Simulation) -> ClickLog:
    found = suspect(
        simulation.log, users=simulation.users, queries=simulation.queries, at=simulation.at
    )
    return simulation.log.take(~found.any)


@pytest.mark.parametrize("click", USERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_estimates_order_documents_better_than_clicks_do(click: Click, seed: int) -> None:
    simulation = simulate(click, seed=seed)
    log = simulation.log
    clicks, shown = log.sums(log.clicks), log.sums(log.shown)
    learnt = ndcg(estimated(log).relevance, simulation.grades)
    assert learnt > ndcg(clicks, simulation.grades) + 0.02
    assert learnt > ndcg(clicks / np.maximum(shown, 1), simulation.grades) + 0.01


@pytest.mark.parametrize("click", USERS)
def test_a_ranking_that_never_changes_is_learnt_from_no_worse_than_counts(click: Click) -> None:
    simulation = simulate(click, searches=2000, seed=1, noise=0.0)
    learnt = ndcg(estimated(simulation.log).relevance, simulation.grades)
    assert learnt > ndcg(simulation.log.sums(simulation.log.clicks), simulation.grades)


@pytest.mark.parametrize("seed", SEEDS)
def test_programs_do_no_harm(seed: int) -> None:
    simulation = simulate(click_by_position, seed=seed, programs=2500)
    log = without_suspects(simulation)
    clean = simulation.log.take(~simulation.programs)
    naive = ndcg(simulation.log.sums(simulation.log.clicks), simulation.grades)
    learnt = ndcg(estimated(log).relevance, simulation.grades)
    assert learnt > naive
    assert learnt > ndcg(estimated(clean).relevance, simulation.grades) - 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_grades_rise_with_the_truth_and_their_interval_holds_it(seed: int) -> None:
    simulation = simulate(click_by_position, seed=seed)
    log = simulation.log
    examination = np.where(log.shown, EXAMINED, 0.0)
    found = estimate_relevance(log, examination)
    truth = ATTRACTS[simulation.grades]
    held = (found.low <= truth) & (truth <= found.high)
    assert held[found.shown > 0].mean() > 0.8
    grades = grade_pairs(found, skips_above_clicks(log))
    means = [simulation.grades[grades == grade].mean() for grade in (0, 1, 2, 3)]
    assert means[0] < means[1] < means[3]
    assert means[0] < 0.2
    assert means[3] > 2


def test_a_click_where_few_look_says_more_and_is_less_sure() -> None:
    pairs = np.tile([[0, 1]], (100, 1))
    clicks = np.zeros((100, 2), dtype=bool)
    clicks[:20] = True
    log = ClickLog(pairs, clicks, clicks.astype(float), 2)
    found = estimate_relevance(log, np.tile([1.0, 0.5], (100, 1)))
    assert found.effective.tolist() == [100, 50]
    np.testing.assert_allclose(found.relevance, [0.2, 0.4], atol=0.01)
    assert found.high[1] - found.low[1] > found.high[0] - found.low[0]


def test_no_propensity_makes_one_click_outweigh_all_others() -> None:
    log = ClickLog(np.array([[0]] * 20), np.eye(20, 1, dtype=bool), np.eye(20, 1), 1)
    found = estimate_relevance(log, np.full((20, 1), 1e-9))
    assert found.relevance[0] <= 1
    assert found.effective[0] == pytest.approx(1)


def test_an_action_that_says_more_weighs_more() -> None:
    pairs = np.array([[0, 1]] * 50)
    clicks = np.ones((50, 2), dtype=bool)
    log = ClickLog(pairs, clicks, np.tile([1.0, 0.25], (50, 1)), 2)
    found = estimate_relevance(log, np.ones((50, 2)))
    np.testing.assert_allclose(found.relevance, [1.0, 0.25], atol=0.03)


def test_what_was_hardly_seen_has_no_grade() -> None:
    log = ClickLog(np.array([[0, 1]]), np.array([[True, False]]), np.array([[1.0, 0.0]]), 2)
    found = estimate_relevance(log, np.ones((1, 2)))
    assert grade_pairs(found, skips_above_clicks(log)).tolist()[1] == UNTOLD
