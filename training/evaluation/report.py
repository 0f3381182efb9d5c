"""The report: everything that an evaluation found, as plain values.

What a person reads, a gate decides on, and `report.json` keeps. Computes nothing but its own id.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from molt.artifact import canonical_json
from molt.training.evaluation.cost import Cost
from molt.training.evaluation.examples import RankingExample
from molt.training.evaluation.exposure import Exposure
from molt.training.evaluation.labelling import UnjudgedQuery
from molt.training.evaluation.power import LaterLook, Power
from molt.training.evaluation.significance import Estimate, Sampling
from molt.training.evaluation.similarity import Similarity

REPORT_FORMAT = 1

JudgedMode = Literal["dense", "hybrid"]
"""What ranks in an evaluation; a search by words alone has no encoder to judge."""


@dataclass(frozen=True)
class EvaluationPlan:
    """How to evaluate: by which fields to slice and group, and what counts as significant.

    By `mode` the encoder alone ranks, or the whole of a hybrid search does. A difference of `worth`
    in nDCG@10 is worth having.
    """

    split: str = "test"
    slices: tuple[str, ...] = ()
    group: str | None = None
    alpha: float = 0.05
    n_examples: int = 10
    sampling: Sampling = field(default_factory=Sampling)
    mode: JudgedMode = "dense"
    worth: float = 0.01


@dataclass(frozen=True)
class Facts:
    """What was evaluated on. `digest` stands for the whole dataset."""

    collection: str
    digest: str
    documents: int
    queries: int
    judgments: int


@dataclass(frozen=True)
class Subject:
    """A checkpoint as it was measured: the variant that serves on this host."""

    id: str
    base_model: str
    parent: str | None
    created_at: datetime
    dimension: int
    max_length: int
    query_prompt: str
    document_prompt: str
    variant: str
    runtime: str
    precision: str


@dataclass(frozen=True)
class SliceResult:
    """A candidate on the queries where `by` is `value`, next to the baseline if there is one.

    With fewer than ten queries only means are given. `p_holm` is corrected for all slices tested,
    and `p_fall`, by which the gate decides, after Benjamini and Hochberg for all that fell; 1 where
    it did not. Reports of earlier versions have none.
    """

    by: str
    value: str
    n: int
    candidate: Estimate
    baseline: float | None = None
    difference: Estimate | None = None
    p: float | None = None
    p_holm: float | None = None
    p_fall: float | None = None


@dataclass(frozen=True)
class CheckpointResult:
    """One checkpoint: each measure's mean, and its value for each query, in the report's order.

    Where a whole search was judged, `alone` has the means of its encoder alone, and `ranking` says
    how the search ranks. `splitting` says how long texts were split, None for not at all.
    """

    subject: Subject
    measures: Mapping[str, Estimate]
    per_query: Mapping[str, tuple[float, ...]]
    cost: Cost
    exposure: Exposure | None = None
    slices: tuple[SliceResult, ...] = ()
    alone: Mapping[str, Estimate] | None = None
    ranking: Mapping[str, Any] | None = None
    splitting: Mapping[str, Any] | None = None


class ComparisonOutcome(StrEnum):
    """What a comparison shows."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "no difference shown"


@dataclass(frozen=True)
class Difference:
    """Candidate less baseline, query by query: its mean, and the p of the paired test."""

    estimate: Estimate
    p: float


@dataclass(frozen=True)
class Comparison:
    """A candidate against the baseline; `improved` and `worsened` are examples, worst cases first.

    The outcome is that of nDCG@10. Of the queries, `wins` rose in it, `losses` fell, `ties` stayed.
    `alone` are the differences of the encoders alone, where whole searches were judged. `power` is
    what could have been shown of nDCG@10; reports of earlier versions do not say.
    """

    candidate: str
    outcome: ComparisonOutcome
    measures: Mapping[str, Difference]
    similarity: Similarity
    wins: int
    losses: int
    ties: int
    improved: tuple[RankingExample, ...]
    worsened: tuple[RankingExample, ...]
    alone: Mapping[str, Difference] | None = None
    power: Power | None = None


@dataclass(frozen=True)
class SplitReuse:
    """How often candidates were judged on a test split: this is the `attempt`-th of an account.

    All of them share `alpha`. A gain of this one is tested at `level`, that of the next one at
    `next_level` where this one shows none. The account was opened at `opened_at`; `until_new` more
    queries that are new since then open another one.
    """

    account: int
    attempt: int
    level: float
    next_level: float
    alpha: float
    opened_at: datetime
    until_new: int

    def following(self, *, gained: bool) -> float:
        """The level of the next attempt, to which one that showed a gain passes its own on."""
        return min(self.alpha, self.next_level + self.level) if gained else self.next_level

    @property
    def looks(self) -> tuple[LaterLook, ...]:
        """Those that may follow: the next attempt, and the first one of another account."""
        return LaterLook(self.next_level), LaterLook(self.alpha, self.until_new)


@dataclass(frozen=True)
class Curves:
    """How training went: `loss` by step, and nDCG@10 on dev by epoch, as (x, y) points.

    `late_interaction` is the part of the loss that is the term's, where token vectors learnt too.
    """

    loss: tuple[tuple[float, float], ...] = ()
    dev: tuple[tuple[float, float], ...] = ()
    late_interaction: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Report:
    """One evaluation. `comparisons` has one entry for each candidate, none without a baseline.

    `reuse` is there where the gate keeps account of its split. `curves` and `data_card` are what
    training and data preparation say of themselves, `tuning` how the candidate's search was tuned
    on dev, `unjudged` which queries to judge next, first those that tell most; whoever has them
    adds them with `dataclasses.replace`.
    """

    id: str
    created_at: datetime
    version: str
    plan: EvaluationPlan
    facts: Facts
    query_ids: tuple[str, ...]
    baseline: CheckpointResult | None
    candidates: tuple[CheckpointResult, ...]
    comparisons: tuple[Comparison, ...]
    curves: Curves | None = None
    data_card: Mapping[str, Any] | None = None
    tuning: Mapping[str, Any] | None = None
    reuse: SplitReuse | None = None
    unjudged: tuple[UnjudgedQuery, ...] = ()

    @property
    def level(self) -> float:
        """At what level nDCG@10 is tested."""
        return self.plan.alpha if self.reuse is None else self.reuse.level


def report_id(
    *,
    plan: EvaluationPlan,
    facts: Facts,
    baseline: CheckpointResult | None,
    candidates: Sequence[CheckpointResult],
    reuse: SplitReuse | None = None,
) -> str:
    """16 hex digits over what was compared, how and on what: the same again is the same report."""
    results = (baseline, *candidates)
    compared = [None if one is None else [one.subject.id, one.subject.variant] for one in results]
    measured = [one for one in results if one is not None]
    split = [one.splitting for one in measured]
    body = {
        "format": REPORT_FORMAT,
        "plan": asdict(plan),
        "facts": asdict(facts),
        "compared": compared,
        "rankings": [one.ranking for one in measured],
        **({"splittings": split} if any(split) else {}),
    }
    if reuse is not None:
        body["attempt"] = [reuse.account, reuse.attempt, reuse.level]
    return hashlib.sha256(canonical_json(body)).hexdigest()[:16]
