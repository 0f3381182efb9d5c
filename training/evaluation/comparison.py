"""Comparison: a candidate against a baseline over the same queries, whole and by slices.

Pure arithmetic over values by query; what they mean to a person is the report's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from molt.training.evaluation.measures import PRIMARY, Values
from molt.training.evaluation.report import Difference, Outcome, Plan, SliceResult
from molt.training.evaluation.significance import Estimate, estimate, holm, paired_test
from molt.training.evaluation.slices import Slice

FEWEST = 10
"""A slice of fewer queries is neither tested nor given an interval."""


def compare_measures(
    baseline: Mapping[str, Values], candidate: Mapping[str, Values], *, plan: Plan
) -> dict[str, Difference]:
    """The difference of every measure, by name."""
    changes = np.stack([candidate[name] - baseline[name] for name in candidate], axis=1)
    estimates = estimate(changes, sampling=plan.sampling)
    p_values = paired_test(changes, sampling=plan.sampling)
    return {
        name: Difference(found, p)
        for name, found, p in zip(candidate, estimates, p_values, strict=True)
    }


def outcome(measures: Mapping[str, Difference], *, plan: Plan) -> Outcome:
    """What nDCG@10 shows at the plan's level."""
    primary = measures[PRIMARY]
    if primary.p >= plan.alpha or primary.estimate.mean == 0:
        return Outcome.UNDECIDED
    return Outcome.BETTER if primary.estimate.mean > 0 else Outcome.WORSE


def slice_results(
    slices: Sequence[Slice], *, candidate: Values, baseline: Values | None, plan: Plan
) -> tuple[SliceResult, ...]:
    """Each slice by nDCG@10 `(n,)`; p values are corrected over all slices large enough to test."""
    large = sum(len(each.rows) >= FEWEST for each in slices)
    sampling = replace(plan.sampling, permutations=plan.sampling.permutations * max(1, large))
    often = replace(plan, sampling=sampling)  # Holm multiplies the least p there can be by `large`
    results = [_result(each, candidate, baseline, often) for each in slices]
    tested = [at for at, result in enumerate(results) if result.p is not None]
    corrected = holm([results[at].p or 0.0 for at in tested])
    for at, p in zip(tested, corrected, strict=True):
        results[at] = replace(results[at], p_holm=p)
    return tuple(results)


def _result(each: Slice, candidate: Values, baseline: Values | None, plan: Plan) -> SliceResult:
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


def _estimate(values: Values, plan: Plan) -> Estimate:
    if len(values) < FEWEST:
        return Estimate(float(values.mean()))
    return estimate(values, sampling=plan.sampling)[0]
