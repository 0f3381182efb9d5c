from dataclasses import replace

import pytest

from molt.training.evaluation.report import ComparisonOutcome, Difference, Report
from molt.training.evaluation.significance import Estimate
from molt.training.evaluation.verdict import MINUS, interval, p_value, signed, verdict
from tests.training.judging import Evaluate


@pytest.fixture
def report(evaluated: Evaluate) -> Report:
    return evaluated()


def with_change(report: Report, difference: Difference, outcome: ComparisonOutcome) -> Report:
    assert report.baseline is not None
    baseline = replace(report.baseline, measures={"nDCG@10": Estimate(0.5)})
    candidate = replace(
        report.candidates[0], measures={"nDCG@10": Estimate(0.5 + difference.estimate.mean)}
    )
    comparison = replace(report.comparisons[0], outcome=outcome, measures={"nDCG@10": difference})
    return replace(report, baseline=baseline, candidates=(candidate,), comparisons=(comparison,))


def test_a_gain_is_said_with_its_size_and_certainty(report: Report) -> None:
    gain = Difference(Estimate(0.025, 0.013, 0.037), p=0.0001)
    said = verdict(with_change(report, gain, ComparisonOutcome.BETTER), 0)
    assert said.headline == "Better"
    assert said.amount == "nDCG@10 rises by 0.0250: 0.5000 → 0.5250, +5.0 %"
    assert said.certainty.startswith("95 % interval +0.0130 to +0.0370; p < 0.001")
    assert "36 queries" in said.certainty


def test_an_undecided_comparison_does_not_claim_equality(report: Report) -> None:
    noise = Difference(Estimate(-0.002, -0.01, 0.006), p=0.612)
    said = verdict(with_change(report, noise, ComparisonOutcome.UNDECIDED), 0)
    assert said.headline == "No difference shown"
    assert f"{MINUS}0.0100 to +0.0060; p = 0.612" in said.certainty


def test_no_change_has_no_direction(report: Report) -> None:
    same = Difference(Estimate(0.0, 0.0, 0.0), p=1.0)
    said = verdict(with_change(report, same, ComparisonOutcome.UNDECIDED), 0)
    assert said.amount == "nDCG@10 stays the same: 0.5000 → 0.5000, 0.0 %"


def test_a_checkpoint_alone_is_said_to_have_no_baseline(report: Report) -> None:
    said = verdict(replace(report, baseline=None, comparisons=()), 0)
    assert said.headline.startswith("nDCG@10 0.")
    assert "without a baseline" in said.amount


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "+0.500"), (-0.5, f"{MINUS}0.500"), (0.0004, "0.000"), (-0.0004, "0.000")],
)
def test_numbers_that_round_to_zero_have_no_sign(value: float, text: str) -> None:
    assert signed(value, digits=3) == text


def test_small_p_are_bounded_and_missing_intervals_are_dashes() -> None:
    assert (p_value(0.0009), p_value(0.0451)) == ("< 0.001", "0.045")
    assert interval(Estimate(0.5), with_sign=False) == "\N{EN DASH}"
