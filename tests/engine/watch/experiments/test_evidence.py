"""The sequential test: looked at after every query it seldom errs, and finds what is there."""

import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.watch.experiments.evidence import Evidence, read_evidence, weighed
from tests.walks import shortened

LEVEL = 0.05


def decided(random: Random, *, tilt: float, queries: int = 1500, ties: float = 0.4) -> str | None:
    """What a stream decides, whose outcomes are B's by so much more often."""
    evidence = Evidence()
    for _ in range(queries):
        if random.random() >= ties:
            outcome = 1.0 if random.random() < (1 + tilt) / 2 else -1.0
            evidence = evidence.after(max(-outcome, 0), max(outcome, 0), outcome)
            if (better := evidence.better(level=LEVEL)) is not None:
                return better
    return None


@pytest.mark.parametrize(("streams", "queries"), shortened([(200, 500), (400, 1500)]))
def test_equal_arms_are_hardly_ever_told_apart_however_often_one_looks(
    streams: int, queries: int
) -> None:
    random = Random(5)
    found = [decided(random, tilt=0.0, queries=queries) for _ in range(streams)]
    assert sum(better is not None for better in found) <= LEVEL * streams


@pytest.mark.parametrize(("tilt", "better"), [(0.25, "b"), (-0.25, "a")])
def test_an_arm_that_is_better_is_found(tilt: float, better: str) -> None:
    random = Random(6)
    assert [decided(random, tilt=tilt) for _ in range(40)] == [better] * 40


@given(outcomes=st.lists(st.floats(-1, 1), max_size=60))
def test_no_more_is_won_on_the_mean_than_a_fair_game_allows(outcomes: list[float]) -> None:
    """With each outcome as likely as its opposite the expectation of the next e-value is this."""
    evidence = Evidence()
    for outcome in outcomes:
        for arm in ("a", "b"):
            either = (evidence.after(0, 0, sign * outcome).log_e(arm) for sign in (1, -1))
            expected = sum(map(math.exp, either)) / 2
            assert expected == pytest.approx(math.exp(evidence.log_e(arm)), rel=1e-9)
        evidence = evidence.after(0, 0, outcome)


def test_what_the_arms_won_mirrors_each_other() -> None:
    ahead, behind = Evidence(), Evidence()
    for outcome in (1.0, 0.5, -1.0, 1.0):
        ahead, behind = ahead.after(0, 0, outcome), behind.after(0, 0, -outcome)
    assert ahead.log_e("b") == behind.log_e("a") > 0
    assert ahead.log_e("a") == behind.log_e("b") < 0


def test_evidence_is_read_as_it_was_written_to_the_last_bit() -> None:
    evidence = Evidence()
    for outcome in (1 / 3, -1.0, 0.7, 0.1):
        evidence = evidence.after(0.1, 0.2, outcome)
    assert read_evidence(json.loads(json.dumps(evidence.describe()))) == evidence
    assert read_evidence({}) == Evidence()


def test_nothing_more_is_weighed_once_it_is_decided() -> None:
    many = [(0.0, 1.0, 1.0)] * 500
    evidence, better = weighed(Evidence(), many, level=LEVEL)
    assert better == "b"
    assert evidence.counted < 20
    assert weighed(evidence, many, level=LEVEL) == (evidence, "b")
