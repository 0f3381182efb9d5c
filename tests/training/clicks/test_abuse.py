"""Whose searches count: people's, and not those of programs."""

import numpy as np
import pytest

from molt.training.clicks.abuse import NO_USER, Suspicions, suspect
from molt.training.clicks.click_log import ClickLog
from tests.training.clicks.simulated import click_by_position, simulate
from tests.walks import shortened


def suspected(users: list[int], clicks: list[list[int]], **more: object) -> Suspicions:
    clicked = np.array(clicks, dtype=bool)
    log = ClickLog(np.zeros(clicked.shape, dtype=np.int64), clicked, clicked.astype(float), 1)
    given = {"queries": np.arange(len(users)), "at": np.arange(len(users)) * 3600.0} | more
    return suspect(log, users=np.array(users), **given)


ALL, ONE = [1] * 5, [0, 1, 0, 0, 0]


def test_a_user_who_clicks_whatever_is_shown_is_left_out() -> None:
    found = suspected([0, 0, 1, 1], [ALL, ALL, ONE, ALL])
    assert found.clicks_all.tolist() == [True, True, False, False]


def test_a_search_of_nobody_known_is_judged_by_itself() -> None:
    found = suspected([NO_USER, NO_USER], [ALL * 2, ONE * 2])
    assert found.any.tolist() == [True, False]


def test_a_user_who_searches_faster_than_a_person_is_left_out() -> None:
    users = [0] * 130 + [1] * 130
    at = np.concatenate([np.arange(130) * 1.0, np.arange(130) * 60.0])
    found = suspected(users, [ONE] * 260, at=at)
    assert found.too_fast.tolist() == [True] * 130 + [False] * 130


def test_a_user_who_would_outweigh_all_others_is_left_out() -> None:
    users = [0] * 60 + [*range(1, 61)]
    assert suspected(users, [ONE] * 120).too_many.tolist() == [True] * 60 + [False] * 60


def test_the_same_search_of_the_same_user_counts_three_times_at_most() -> None:
    queries = np.array([7, 7, 8, 7, 7, 7])
    found = suspected([0, 0, 0, 0, 0, NO_USER], [ONE] * 6, queries=queries)
    assert found.repeated.tolist() == [False, False, False, False, True, False]


@pytest.mark.parametrize("seed", shortened([1, 2, 3]))
def test_programs_are_told_from_people(seed: int) -> None:
    made = simulate(click_by_position, seed=seed, programs=1000)
    found = suspect(made.log, users=made.users, queries=made.queries, at=made.at)
    assert (found.any & made.programs).sum() > 0.95 * made.programs.sum()
    assert (found.any & ~made.programs).mean() < 0.01
