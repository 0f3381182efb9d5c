"""Sight: what a report could have shown, and what it would take to show more, in words."""

from collections.abc import Iterator

from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.power import POWER, Power
from molt.training.evaluation.report import ComparisonOutcome, Report, SplitReuse


def sight(report: Report, at: int) -> Iterator[str]:
    """What the comparison at place `at` could have shown, and why at that level."""
    power = report.comparisons[at].power if report.comparisons else None
    if power is None:
        return
    queries = report.facts.queries
    if power.detectable is not None:
        yield (
            f"over {_counted(queries, 'query')} a true change of {power.detectable:.4f} in "
            f"{PRIMARY} would be shown {100 * POWER:.0f} % of the time, at a level of "
            f"{power.level:.3g}; smaller ones go unseen more often"
        )
    if not power.changed:
        yield f"the two give each of {_counted(queries, 'query')} the same {PRIMARY}"
    elif power.blind:
        yield (
            f"{PRIMARY} of {_counted(power.changed, 'query')} changes at all; of fewer than "
            f"{power.least_changed}, no change can be told from chance at that level, however large"
        )
    if report.reuse is not None:
        gained = report.comparisons[at].outcome is ComparisonOutcome.BETTER
        yield _reused(report.reuse, following=report.reuse.following(gained=gained))


def advice(report: Report, at: int) -> Iterator[str]:
    """What it takes to show what was not shown; nothing where more queries would not help.

    They do not where a change worth having was within sight, and was not there.
    """
    compared = report.comparisons[at] if report.comparisons else None
    power = None if compared is None else compared.power
    if compared is None or power is None or compared.outcome is not ComparisonOutcome.UNDECIDED:
        return
    high = compared.measures[PRIMARY].estimate.high
    worth = report.plan.worth
    if high is not None and high < worth and not power.blind:
        yield (
            f"more queries would not help: the interval ends below {worth:g} (gate.margin), so "
            "there is no rise worth having"
        )
        return
    if needed := list(_needed(report, power, compared.measures[PRIMARY].estimate.mean)):
        yield f"to be shown 80 % of the time, {'; '.join(needed)}"
    yield _first(report)


def _needed(report: Report, power: Power, mean: float) -> Iterator[str]:
    split, worth = report.plan.split, report.plan.worth
    if mean > 0 and power.more_for_observed is not None:
        count = _counted(power.more_for_observed, "judged query")
        yield f"the rise that was seen, {mean:.4f}, needs about {count} more of {split}"
    if power.more_for_worth is not None:
        count = _counted(power.more_for_worth, "judged query")
        yield f"one of {worth:g} (gate.margin) needs about {count} more"


def _first(report: Report) -> str:
    name, count = report.facts.collection, len(report.unjudged)
    if count:
        return (
            f"judge first what `molt queries next {name}` lists and the page "
            f"`/judge?collection={name}&report={report.id}` shows: {_counted(count, 'query')} "
            "without judgments, those first that the two rank most differently"
        )
    return (
        f"no query of {name} is without judgments: import more, without any, and the next report "
        "says which to judge first"
    )


def _reused(reuse: SplitReuse, *, following: float) -> str:
    since = f"{reuse.opened_at:%Y-%m-%d}"
    more = _counted(reuse.until_new, "new query")
    judged = (
        "it is the first candidate"
        if reuse.attempt == 1
        else f"it is candidate {reuse.attempt}, tested at a level of {reuse.level:.3g},"
    )
    return (
        f"{judged} on this test split since {since}; the next is tested at {following:.3g}, so "
        f"that all of them together are promoted by chance at most {100 * reuse.alpha:g} % of the "
        f"time. With {more} more that begins again"
    )


def _counted(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun.removesuffix('y')}ies"
