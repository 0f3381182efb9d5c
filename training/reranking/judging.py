"""Judging a cross-encoder: a report on what re-ranking does to the rankings of held-out queries.

The baseline is what the collection's encoder finds, the candidate the same documents ranked again
by the graph that serves.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Checkpoint, CrossEncoder, Lane, open_cross_encoder
from molt.encoder.host import fingerprint
from molt.training.evaluation.cost import Cost
from molt.training.evaluation.evaluate import reported
from molt.training.evaluation.measurement import Measured, measure_all, subject_of
from molt.training.evaluation.measures import measure_run
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.runs import MakeRun, Runs
from molt.training.reranking.candidates import RankedTrial


def judge_cross_encoder(
    ranked: RankedTrial,
    candidate: Checkpoint,
    *,
    baseline: Checkpoint,
    plan: EvaluationPlan,
    cache: Path,
) -> Report:
    """Measure both on the queries of `ranked`, whose run is the baseline's.

    Raises what `open_encoder` and `open_cross_encoder` raise.
    """

    def known(*_: object) -> Runs:
        return Runs(ranked.run)

    make_run: MakeRun = known
    (former,) = measure_all(
        ranked.trial, [baseline], group=plan.group, cache=cache, make_run=make_run
    )
    with closing(open_cross_encoder(candidate, cache=cache)) as scorer:
        latter = _measured(ranked, scorer)
    return reported(ranked.trial, [latter], former=former, plan=plan)


def _measured(ranked: RankedTrial, scorer: CrossEncoder) -> Measured:
    taken: list[float] = []

    def score(query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        began = time.perf_counter()
        logits = scorer.score(query, texts, lane=Lane.INTERACTIVE).logits
        taken.append(1000 * (time.perf_counter() - began))
        return logits

    run = ranked.reranked(score)
    doc_ids = [document.id for document in ranked.trial.corpus.documents]
    return Measured(
        subject_of(scorer),
        run,
        values=measure_run(run, doc_ids=doc_ids, qrels=ranked.trial.split.qrels),
        cost=_cost(scorer, taken),
        exposure=None,
    )


def _cost(scorer: CrossEncoder, taken: Sequence[float]) -> Cost:
    """Milliseconds to re-rank the candidates of one query stand for those to encode it."""
    p50, p95 = np.percentile(taken, [50, 95])
    variant = scorer.variant
    return Cost(
        latency_p50_ms=float(p50),
        latency_p95_ms=float(p95),
        texts_per_second=variant.texts_per_second if variant.host == fingerprint() else None,
        graph_bytes=variant.size,
        checkpoint_bytes=scorer.checkpoint.size,
    )
