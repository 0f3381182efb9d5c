"""One evaluation from top to bottom: encode, rank, measure, compare.

Writes nothing but its cache; where reports are kept is `store`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from molt import __version__
from molt.encoder import Checkpoint
from molt.encoder.vector_cache import OnProgress, quiet
from molt.training.errors import EvaluationError
from molt.training.evaluation.comparison import compare_measures, outcome, slice_results
from molt.training.evaluation.examples import Examples, Pairing
from molt.training.evaluation.measurement import Measured, Trial, measure_all
from molt.training.evaluation.measures import PRIMARY, QueryValues
from molt.training.evaluation.power import LaterLook, power_of
from molt.training.evaluation.report import (
    CheckpointResult,
    Comparison,
    EvaluationPlan,
    Facts,
    Report,
    SplitReuse,
    report_id,
)
from molt.training.evaluation.runs import MakeRun
from molt.training.evaluation.significance import Estimate, estimate
from molt.training.evaluation.similarity import compare_runs
from molt.training.evaluation.slices import Slice, slices


@dataclass(frozen=True)
class Contenders:
    """The checkpoints to measure, and the one that they are compared with."""

    candidates: Sequence[Checkpoint]
    baseline: Checkpoint | None = None

    @property
    def all(self) -> list[Checkpoint]:
        """Every one, the baseline first."""
        return [*([] if self.baseline is None else [self.baseline]), *self.candidates]


def evaluate(  # noqa: PLR0913  each by name
    trial: Trial,
    *,
    contenders: Contenders,
    plan: EvaluationPlan,
    cache: Path,
    make_run: MakeRun,
    progress: OnProgress = quiet,
) -> Report:
    """The report of checkpoints, each in the variant that serves here, as `measure_contenders`."""
    measured = measure_contenders(
        trial, contenders=contenders, plan=plan, cache=cache, make_run=make_run, progress=progress
    )
    former = None if contenders.baseline is None else measured.pop(0)
    return reported(trial, measured, former=former, plan=plan)


def measure_contenders(  # noqa: PLR0913  each by name
    trial: Trial,
    *,
    contenders: Contenders,
    plan: EvaluationPlan,
    cache: Path,
    make_run: MakeRun,
    progress: OnProgress = quiet,
) -> list[Measured]:
    """Measure each by search over the whole corpus, the baseline first.

    `make_run` ranks; `cache` is where compiled graphs and measured speeds are kept. Raises
    `EvaluationError` where there is nothing to measure or a field of the plan is unknown, and what
    `open_encoder` raises.
    """
    _check(trial, contenders)
    slices(trial.queries, qrels=trial.split.qrels, fields=plan.slices, train=trial.train)
    return measure_all(
        trial, contenders.all, group=plan.group, cache=cache, make_run=make_run, progress=progress
    )


def reported(
    trial: Trial,
    measured: Sequence[Measured],
    *,
    former: Measured | None,
    plan: EvaluationPlan,
    reuse: SplitReuse | None = None,
) -> Report:
    """The report of what was measured, next to the baseline `former` where there is one.

    Where the split is judged on again and again `reuse` says at what level this time. Raises
    `EvaluationError` where a field of the plan is unknown.
    """
    cut = slices(trial.queries, qrels=trial.split.qrels, fields=plan.slices, train=trial.train)
    facts = _facts(trial)
    baseline = None if former is None else _result(former, plan=plan)
    candidates = tuple(_result(each, plan=plan, cut=cut, former=former) for each in measured)
    return Report(
        id=report_id(plan=plan, facts=facts, baseline=baseline, candidates=candidates, reuse=reuse),
        created_at=datetime.now(UTC),
        version=__version__,
        plan=plan,
        facts=facts,
        query_ids=tuple(query.id for query in trial.queries),
        baseline=baseline,
        candidates=candidates,
        comparisons=tuple(
            _compared(trial, former, each, plan, reuse) for each in measured if former
        ),
        data_card=trial.data_card,
        reuse=reuse,
    )


def _check(trial: Trial, contenders: Contenders) -> None:
    if not trial.split.queries:
        raise EvaluationError(
            f"no query of {trial.collection} to evaluate on; import judgments whose documents are "
            "in the collection, or choose another split"
        )
    if not contenders.candidates:
        raise EvaluationError("no checkpoint to evaluate; name at least one")


def _facts(trial: Trial) -> Facts:
    return Facts(
        collection=trial.collection,
        digest=trial.digest,
        documents=len(trial.corpus.documents),
        queries=len(trial.split.queries),
        judgments=sum(map(len, trial.split.qrels.values())),
    )


def _result(
    measured: Measured,
    *,
    plan: EvaluationPlan,
    cut: Sequence[Slice] = (),
    former: Measured | None = None,
) -> CheckpointResult:
    return CheckpointResult(
        subject=measured.subject,
        measures=_means(measured.values, plan),
        per_query={
            name: tuple(np.round(values, 6).tolist()) for name, values in measured.values.items()
        },
        cost=measured.cost,
        exposure=measured.exposure,
        slices=slice_results(
            cut,
            candidate=measured.values[PRIMARY],
            baseline=None if former is None else former.values[PRIMARY],
            plan=plan,
        ),
        alone=None if measured.alone is None else _means(measured.alone, plan),
        ranking=None if measured.ranking is None else measured.ranking.describe(),
        splitting=None if measured.splitting is None else measured.splitting.describe(),
    )


def _means(values: Mapping[str, QueryValues], plan: EvaluationPlan) -> dict[str, Estimate]:
    columns = np.stack(list(values.values()), axis=1)
    return dict(zip(values, estimate(columns, sampling=plan.sampling), strict=True))


def _compared(
    trial: Trial,
    former: Measured,
    latter: Measured,
    plan: EvaluationPlan,
    reuse: SplitReuse | None,
) -> Comparison:
    level = plan.alpha if reuse is None else reuse.level
    later = (LaterLook(plan.alpha),) if reuse is None else reuse.looks
    measures = compare_measures(former.values, latter.values, plan=plan, level=level)
    change = latter.values[PRIMARY] - former.values[PRIMARY]
    pairing = Pairing(former.run, latter.run, former.values[PRIMARY], latter.values[PRIMARY])
    examples = Examples(trial.corpus, queries=trial.queries, qrels=trial.split.qrels)
    return Comparison(
        candidate=latter.subject.id,
        outcome=outcome(measures, level=level),
        measures=measures,
        similarity=compare_runs(former.run, latter.run),
        wins=int((change > 0).sum()),
        losses=int((change < 0).sum()),
        ties=int((change == 0).sum()),
        improved=examples.most_improved(pairing, n=plan.n_examples),
        worsened=examples.most_worsened(pairing, n=plan.n_examples),
        alone=None
        if former.alone is None or latter.alone is None
        else compare_measures(former.alone, latter.alone, plan=plan, level=level),
        power=power_of(change, level=level, worth=plan.worth, later=later),
    )
