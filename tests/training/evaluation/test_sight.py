from dataclasses import replace

from molt.training.evaluation.html import render
from molt.training.evaluation.labelling import UnjudgedQuery
from molt.training.evaluation.sight import advice, sight
from tests.training.judging import Evaluate


def test_a_page_says_what_could_have_been_shown_and_what_to_judge_first(
    evaluated: Evaluate,
) -> None:
    report = evaluated()
    power = report.comparisons[0].power
    assert power is not None
    listed = (UnjudgedQuery("u1", "<b>tea</b>", 0.5, ("d1",)),)
    page = render(replace(report, unjudged=listed))
    assert f"Over 36 queries a true change of {power.detectable:.4f} in nDCG@10" in page
    assert "What to judge first" in page
    assert "&lt;b&gt;tea" in page
    assert "What to judge first" not in render(report)


def test_a_report_of_an_earlier_version_or_without_a_baseline_says_nothing_of_it(
    evaluated: Evaluate,
) -> None:
    report = evaluated()
    earlier = replace(report, comparisons=(replace(report.comparisons[0], power=None),))
    for one in (earlier, replace(report, baseline=None, comparisons=())):
        assert ([*sight(one, 0)], [*advice(one, 0)]) == ([], [])
