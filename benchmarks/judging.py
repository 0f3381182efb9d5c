"""Judging: what the default gate says of weights, measured by search over a corpus in torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.planting import Weights
from molt.encoder import Checkpoint, Encoded, InputType, Lane
from molt.engine.runs import rank_corpus, whole_texts
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Corpus, Split
from molt.training.evaluation.comparison import compare_measures, outcome, slice_results
from molt.training.evaluation.cost import Cost
from molt.training.evaluation.measures import PRIMARY, QueryValues, measure_run
from molt.training.evaluation.report import (
    CheckpointResult,
    Comparison,
    EvaluationPlan,
    Facts,
    Report,
    Subject,
)
from molt.training.evaluation.runs import Run
from molt.training.evaluation.significance import estimate
from molt.training.evaluation.similarity import compare_runs
from molt.training.evaluation.slices import slices
from molt.training.fit.embedding import LearnerEmbedding
from molt.training.fit.learner import Learner
from molt.training.gate import decide
from molt.training.gate_config import GateConfig

COST = Cost(2.0, 4.0, 100.0, graph_bytes=1, checkpoint_bytes=1)


class LearnerEncoder:
    """The surface of an encoder over a learner's weights as they now are."""

    def __init__(self, checkpoint: Checkpoint, learner: Learner) -> None:
        self.checkpoint = checkpoint
        self.variant = checkpoint.variants[0]
        self.dimension = checkpoint.dimension
        self._embedding = LearnerEmbedding(learner)

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        """In torch; the lane does not matter."""
        del lane
        count = len(texts)
        return Encoded(
            self._embedding(texts, input_type), np.ones(count, np.int32), np.zeros(count, np.bool_)
        )


@dataclass(frozen=True)
class Ground:
    """What candidates are measured on."""

    base: Checkpoint
    learner: Learner
    corpus: Corpus
    split: Split
    cache: Path

    @property
    def queries(self) -> list[Query]:
        """In the order of their ids."""
        return [self.split.queries[name] for name in sorted(self.split.queries)]

    def run(self, weights: Weights, *, name: str) -> Run:
        """The ranking of every query. Raises `UnsoundVectorsError` for vectors that are none."""
        self.learner.load_state_dict(weights)
        encoder: Any = LearnerEncoder(replace(self.base, id=name), self.learner)
        queries = self.queries
        texts = [query.text for query in queries]
        passages = whole_texts(self.corpus.texts)
        found = rank_corpus(encoder, passages=passages, queries=texts, cache=self.cache)
        return Run(tuple(query.id for query in queries), found.rows, found.scores)

    def values(self, run: Run) -> dict[str, QueryValues]:
        """Each measure of each query."""
        doc_ids = [document.id for document in self.corpus.documents]
        return dict(measure_run(run, doc_ids=doc_ids, qrels=self.split.qrels))


def judged(
    ground: Ground, former: Run, latter: Run, *, rows: NDArray[np.intp]
) -> tuple[bool, float]:
    """Does the default gate accept on the queries in `rows`, and what is the gain there?"""
    plan = EvaluationPlan(slices=("tags",))
    queries = [ground.queries[row] for row in rows]
    cut = slices(queries, qrels=ground.split.qrels, fields=plan.slices, train=None)
    runs = [
        Run(tuple(query.id for query in queries), run.rows[rows], run.scores[rows])
        for run in (former, latter)
    ]
    base, candidate = (ground.values(run) for run in runs)

    def result(name: str, values: dict[str, QueryValues]) -> CheckpointResult:
        estimates = estimate(np.stack(list(values.values()), axis=1), sampling=plan.sampling)
        parts = slice_results(cut, candidate=values[PRIMARY], baseline=base[PRIMARY], plan=plan)
        return CheckpointResult(
            subject=_subject(ground.base, name),
            measures=dict(zip(values, estimates, strict=True)),
            per_query={name: tuple(column.tolist()) for name, column in values.items()},
            cost=COST,
            slices=parts,
        )

    change = candidate[PRIMARY] - base[PRIMARY]
    report = Report(
        id="0" * 16,
        created_at=datetime.now(UTC),
        version="",
        plan=plan,
        facts=Facts("devops_se", "", len(ground.corpus.texts), len(queries), 0),
        query_ids=tuple(query.id for query in queries),
        baseline=result("base", base),
        candidates=(result("candidate", candidate),),
        comparisons=(_comparison(base, candidate, runs, plan=plan),),
    )
    return decide(report, config=GateConfig()).accepted, float(change.mean())


def _comparison(
    base: dict[str, QueryValues],
    candidate: dict[str, QueryValues],
    runs: Sequence[Run],
    *,
    plan: EvaluationPlan,
) -> Comparison:
    measures = compare_measures(base, candidate, plan=plan, level=plan.alpha)
    change = candidate[PRIMARY] - base[PRIMARY]
    return Comparison(
        candidate="candidate",
        outcome=outcome(measures, level=plan.alpha),
        measures=measures,
        similarity=compare_runs(*runs),
        wins=int((change > 0).sum()),
        losses=int((change < 0).sum()),
        ties=int((change == 0).sum()),
        improved=(),
        worsened=(),
    )


def _subject(base: Checkpoint, name: str) -> Subject:
    variant = base.variants[0]
    return Subject(
        id=name,
        base_model=base.base_model,
        parent=None,
        created_at=base.created_at,
        dimension=base.dimension,
        max_length=base.max_length,
        query_prompt="",
        document_prompt="",
        variant=variant.name,
        runtime=variant.runtime,
        precision=variant.precision,
    )
