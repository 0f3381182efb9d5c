"""Comparison: a candidate against a baseline over the same queries, whole and by slices.

Pure arithmetic over values by query; what they mean to a person is the report's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from molt.training.evaluation.measures import PRIMARY, QueryValues
from molt.training.evaluation.report import (
    ComparisonOutcome,
    Difference,
    EvaluationPlan,
    SliceResult,
)
from molt.training.evaluation.significance import (
    Estimate,
    estimate,
    holm,
    of_falls,
    paired_test,
)
from molt.training.evaluation.slices import Slice

FEWEST = 10
"""A slice of fewer queries is neither tested nor given an interval."""


def compare_measures(
    baseline: Mapping[str, QueryValues],
    candidate: Mapping[str, QueryValues],
    *,
    plan: EvaluationPlan,
    level: float,
) -> dict[str, Difference]:
    """The difference of every measure, by name; p is as exact as a test at `level` needs it."""
    changes = np.stack([candidate[name] - baseline[name] for name in candidate], axis=1)
    estimates = estimate(changes, sampling=plan.sampling)
    p_values = paired_test(changes, sampling=plan.sampling.at(level))
    return {
        name: Difference(found, p)
        for name, found, p in zip(candidate, estimates, p_values, strict=True)
    }


def outcome(measures: Mapping[str, Difference], *, level: float) -> ComparisonOutcome:
    """What nDCG@10 shows at a level."""
    primary = measures[PRIMARY]
    if primary.p >= level or primary.estimate.mean == 0:
        return ComparisonOutcome.UNDECIDED
    return ComparisonOutcome.BETTER if primary.estimate.mean > 0 else ComparisonOutcome.WORSE


def slice_results(
    slices: Sequence[Slice],
    *,
    candidate: QueryValues,
    baseline: QueryValues | None,
    plan: EvaluationPlan,
) -> tuple[SliceResult, ...]:
    """Each slice by nDCG@10 `(n,)`; p values are corrected over all slices large enough to test."""
    large = sum(len(each.rows) >= FEWEST for each in slices)
    sampling = replace(plan.sampling, permutations=plan.sampling.permutations * max(1, large))
    often = replace(plan, sampling=sampling)  # Holm multiplies the least p there can be by `large`
    results = [_result(each, candidate, baseline, often) for each in slices]
    tested = [at for at, result in enumerate(results) if result.p is not None]
    p_values = [results[at].p or 0.0 for at in tested]
    two_sided, falls = holm(p_values), of_falls(p_values, [_change(results[at]) for at in tested])
    for at, p_holm, p_fall in zip(tested, two_sided, falls, strict=True):
        results[at] = replace(results[at], p_holm=p_holm, p_fall=p_fall)
    return tuple(results)


def _change(result: SliceResult) -> float:
    return 0.0 if result.difference is None else result.difference.mean


def _result(
    each: Slice, candidate: QueryValues, baseline: QueryValues | None, plan: EvaluationPlan
) -> SliceResult:
    own = candidate[each.rows, None]
    result = SliceResult(each.by, each.value, len(own), candidate=_estimate(own, plan))
    if baseline is None:
        return result
    former = baseline[each.rows, None]
    tested = paired_test(own - former, sampling=plan.sampling) if len(own) >= FEWEST else [None]
    return replace(
        result,
        baseline=float(former.mean()),
        difference=_estimate(own - former, plan),
        p=tested[0],
    )


def _estimate(values: QueryValues, plan: EvaluationPlan) -> Estimate:
    if len(values) < FEWEST:
        return Estimate(float(values.mean()))
    return estimate(values, sampling=plan.sampling)[0]
