import numpy as np

from molt.training.evaluation.comparison import slice_results
from molt.training.evaluation.report import EvaluationPlan
from molt.training.evaluation.significance import Sampling
from molt.training.evaluation.slices import Slice


def test_one_slice_of_many_that_falls_is_seen_however_few_the_permutations() -> None:
    many, each = 40, 20
    baseline = np.ones(many * each)
    candidate = baseline.copy()
    candidate[:each] = 0.0
    slices = [Slice("shop", str(at), np.arange(at * each, (at + 1) * each)) for at in range(many)]
    plan = EvaluationPlan(sampling=Sampling(resamples=10, permutations=200))
    fallen, *others = slice_results(slices, candidate=candidate, baseline=baseline, plan=plan)
    assert fallen.p_holm is not None
    assert fallen.p_holm < 0.01
    assert {other.p_holm for other in others} == {1.0}
    assert fallen.p_fall is not None
    assert fallen.p_fall < 0.01
    assert {other.p_fall for other in others} == {1.0}
