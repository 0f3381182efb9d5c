"""The verdict: what a report says in one breath, in words."""

from dataclasses import dataclass

from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import CheckpointResult, Comparison, ComparisonOutcome, Report
from molt.training.evaluation.significance import Estimate

MINUS = "\N{MINUS SIGN}"

_HEADLINES = {
    ComparisonOutcome.BETTER: "Better",
    ComparisonOutcome.WORSE: "Worse",
    ComparisonOutcome.UNDECIDED: "No difference shown",
}


@dataclass(frozen=True)
class Verdict:
    """A headline, by how much, and how sure that is."""

    headline: str
    amount: str
    certainty: str


def verdict(report: Report, at: int) -> Verdict:
    """The verdict over the candidate at place `at`."""
    result = report.candidates[at]
    if report.baseline is None:
        return _alone(report, result)
    return _against(report, report.baseline, result, report.comparisons[at])


def encoder_alone(report: Report, at: int) -> str | None:
    """Where whole searches were judged, what their encoders do alone."""
    found = report.candidates[at].alone
    if found is None:
        return None
    after = found[PRIMARY].mean
    baseline, compared = report.baseline, report.comparisons[at : at + 1]
    if baseline is None or baseline.alone is None or not compared or compared[0].alone is None:
        return f"the encoder alone has {PRIMARY} {after:.4f}"
    before, p = baseline.alone[PRIMARY].mean, compared[0].alone[PRIMARY].p
    return (
        f"the encoder alone: {PRIMARY} {before:.4f} \N{RIGHTWARDS ARROW} {after:.4f}, "
        f"p {_relation(p)}"
    )


def _alone(report: Report, result: CheckpointResult) -> Verdict:
    found = result.measures[PRIMARY]
    return Verdict(
        f"{PRIMARY} {found.mean:.3f}",
        f"measured over {_queries(report)} of the {report.plan.split} split, "
        "without a baseline to compare with",
        f"{_interval(report, found, signed=False)}.",
    )


def _queries(report: Report) -> str:
    count = report.facts.queries
    return "1 query" if count == 1 else f"{count:,} queries"


def _against(
    report: Report, baseline: CheckpointResult, result: CheckpointResult, compared: Comparison
) -> Verdict:
    before, after = baseline.measures[PRIMARY].mean, result.measures[PRIMARY].mean
    difference = compared.measures[PRIMARY]
    change = difference.estimate.mean
    relative = f", {signed(100 * change / before, digits=1)} %" if before > 0 else ""
    moved = f"{PRIMARY} {'rises' if change > 0 else 'falls'} by {abs(change):.4f}"
    if change == 0:
        moved = f"{PRIMARY} stays the same"
    return Verdict(
        _HEADLINES[compared.outcome],
        f"{moved}: {before:.4f} \N{RIGHTWARDS ARROW} {after:.4f}{relative}",
        f"{_interval(report, difference.estimate, signed=True)}; p {_relation(difference.p)} in a "
        f"paired permutation test over {_queries(report)}.",
    )


def _interval(report: Report, found: Estimate, *, signed: bool) -> str:
    if found.low is None or found.high is None:
        return "Too few queries for an interval"
    share = f"{100 * report.plan.sampling.confidence:g} %"
    return f"{share} interval {interval(found, with_sign=signed)}"


def _relation(p: float) -> str:
    return p_value(p) if p < 0.001 else f"= {p_value(p)}"


def interval(found: Estimate, *, with_sign: bool) -> str:
    """Both ends of an interval; a dash where there is none."""
    if found.low is None or found.high is None:
        return "\N{EN DASH}"
    low, high = (
        signed(end, digits=4) if with_sign else f"{end:.4f}" for end in (found.low, found.high)
    )
    return f"{low} to {high}"


def signed(value: float, *, digits: int) -> str:
    """A number with its sign, and none where it rounds to zero."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return f"{'+' if value > 0 else MINUS}{text}"


def p_value(p: float) -> str:
    """A p to three digits."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
