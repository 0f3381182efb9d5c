"""Does the gate refuse what is bad and accept what is better?

    python -m benchmarks.gate --data ../shared/data --home DIR --trained CHECKPOINT

From the built-in encoder and one that was fitted to devops_se (`--home`, `--trained`) candidates
are planted whose worth is known by how they are made. Each is measured by search over a part of
the corpus, and judged five times by the default gate, each time on other nine tenths of the test
queries. One whose vectors are NaN is refused by the evaluation, before it comes to the gate.
"""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from benchmarks.checkpoint import default_checkpoint
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder import Checkpoint, Encoded, InputType, Lane, read_checkpoint
from molt.index.judgments import Query
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Corpus, Split
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from molt.training.errors import EvaluationError
from molt.training.evaluation.comparison import compare_measures, outcome, slice_results
from molt.training.evaluation.cost import Cost
from molt.training.evaluation.measures import PRIMARY, Values, measure
from molt.training.evaluation.ranking import Run, run_of
from molt.training.evaluation.report import Comparison, Facts, Plan, Report, Result, Subject
from molt.training.evaluation.significance import estimate
from molt.training.evaluation.similarity import compare
from molt.training.evaluation.slices import slices
from molt.training.fit.embedding import LearnerEmbedding
from molt.training.fit.hardware import choose_hardware, use_all_cores
from molt.training.fit.learner import Learner, open_learner
from molt.training.gate import decide
from molt.training.gate_config import GateConfig

DOCUMENTS = 1500
SAMPLES = 5
SLICES = 4
LEFT = 0.01
BETTER = "better"
COST = Cost(2.0, 4.0, 100.0, graph_bytes=1, checkpoint_bytes=1)
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Planted:
    """A candidate: of which kind, and its weights. Those of `BETTER` are to be accepted."""

    kind: str
    weights: Weights


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
        return Encoded(self._embedding(texts, input_type), np.ones(len(texts), np.int32))


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
        """The ranking of every query. Raises `EvaluationError` for vectors that are none."""
        self.learner.load_state_dict(weights)
        encoder: Any = LearnerEncoder(replace(self.base, id=name), self.learner)
        return run_of(encoder, corpus=self.corpus, queries=self.queries, cache=self.cache)

    def values(self, run: Run) -> dict[str, Values]:
        """Each measure of each query."""
        doc_ids = [document.id for document in self.corpus.documents]
        return dict(measure(run, doc_ids=doc_ids, qrels=self.split.qrels))


def planted(base: Weights, trained: Weights, shuffled: Weights) -> Iterator[Planted]:
    """Every candidate but those that are bad for one slice."""
    for step in range(20):
        yield Planted(BETTER, mixed(base, trained, 0.7 + 0.025 * step))
    for step in range(4):
        yield Planted("labels shuffled", mixed(base, shuffled, 0.4 + 0.2 * step))
        yield Planted("random weights", randomised(base, seed=step))
        yield Planted("mildly worse", noisy(base, scale=0.06 + 0.02 * step, seed=step))
        yield Planted("NaN", holed(base, place=step))


def mixed(base: Weights, other: Weights, share: float) -> Weights:
    """The way from one model to another (Wortsman et al. 2022, WiSE-FT)."""
    return {
        name: value + share * (other[name] - value) if value.is_floating_point() else value
        for name, value in base.items()
    }


def noisy(base: Weights, *, scale: float, seed: int) -> Weights:
    """Noise of `scale` times each matrix' own deviation."""
    random = torch.Generator().manual_seed(seed)
    return {
        name: value + scale * value.std() * torch.randn(value.shape, generator=random)
        if value.dim() == 2
        else value
        for name, value in base.items()
    }


def randomised(base: Weights, *, seed: int) -> Weights:
    """Matrices drawn anew, with their deviation."""
    random = torch.Generator().manual_seed(seed)
    return {
        name: value.std() * torch.randn(value.shape, generator=random)
        if value.dim() == 2
        else value
        for name, value in base.items()
    }


def holed(base: Weights, *, place: int) -> Weights:
    """One weight of one layer is no number."""
    names = [name for name, value in base.items() if value.dim() == 2 and ".layer." in name]
    holed = copy.deepcopy(base)
    holed[names[place * len(names) // 4]][0, 0] = float("nan")
    return holed


def shuffled_weights(ground: Ground, base: Weights, train: Any, *, steps: int) -> Weights:
    """What some steps of InfoNCE towards other queries' answers make of the base."""
    learner = ground.learner
    learner.load_state_dict(base)
    learner.train()
    loss = MultipleNegativesRankingLoss(learner)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=5e-5)
    random = np.random.default_rng(0)
    for _ in range(steps):
        rows = random.choice(len(train), 32, replace=False)
        answers = random.permutation(rows)
        columns = [[train[row].query for row in rows], [train[row].document for row in answers]]
        features = [
            {k: v for k, v in learner.preprocess(texts).items() if k != "modality"}
            for texts in columns
        ]
        loss(features, None).backward()
        optimiser.step()
        optimiser.zero_grad()
    learner.eval()
    return copy.deepcopy(learner.state_dict())


def judged(ground: Ground, former: Run, latter: Run, *, rows: Any) -> tuple[bool, float]:
    """Does the default gate accept on the queries in `rows`, and what is the gain there?"""
    plan = Plan(slices=("tags",))
    queries = [ground.queries[row] for row in rows]
    cut = slices(queries, qrels=ground.split.qrels, fields=plan.slices, train=None)
    runs = [
        Run(tuple(query.id for query in queries), run.rows[rows], run.scores[rows])
        for run in (former, latter)
    ]
    base, candidate = (ground.values(run) for run in runs)

    def result(name: str, values: dict[str, Values]) -> Result:
        estimates = estimate(np.stack(list(values.values()), axis=1), sampling=plan.sampling)
        parts = slice_results(cut, candidate=values[PRIMARY], baseline=base[PRIMARY], plan=plan)
        return Result(
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
    base: dict[str, Values], candidate: dict[str, Values], runs: Sequence[Run], *, plan: Plan
) -> Comparison:
    measures = compare_measures(base, candidate, plan=plan)
    change = candidate[PRIMARY] - base[PRIMARY]
    return Comparison(
        candidate="candidate",
        outcome=outcome(measures, plan=plan),
        measures=measures,
        similarity=compare(*runs),
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


def bad_for_one(ground: Ground, former: Run, better: Run, broken: Run) -> Iterator[Run]:
    """A better ranking whose queries of one tag are answered by broken weights.

    The tag is as frequent as can be with a gain that is left on average.
    """
    tags = [set(query.metadata.get("tags", ())) for query in ground.queries]
    counts = Counter(tag for each in tags for tag in each)
    before, after, worst = (ground.values(run)[PRIMARY] for run in (former, better, broken))
    found = 0
    for tag, _ in counts.most_common():
        rows = np.array([tag in each for each in tags])
        if np.where(rows, worst, after).mean() - before.mean() < LEFT or found == SLICES:
            continue
        found += 1
        ranked, scores = better.rows.copy(), better.scores.copy()
        ranked[rows], scores[rows] = broken.rows[rows], broken.scores[rows]
        yield Run(better.query_ids, ranked, scores)


def measure_all(ground: Ground, former: Run, candidates: Sequence[Planted]) -> list[Any]:
    """Each candidate's kind and ranking; no ranking where its vectors were refused."""
    found: list[Any] = []
    for number, each in enumerate(candidates):
        try:
            run = ground.run(each.weights, name=f"{number:016x}")
        except EvaluationError as error:
            print(each.kind, error, flush=True)
            run = None
        found.append((each.kind, run))
        print(number, each.kind, flush=True)
    better = next(run for kind, run in reversed(found) if kind == BETTER)
    broken = next(run for kind, run in found if kind == "random weights")
    found += [("bad for one slice", run) for run in bad_for_one(ground, former, better, broken)]
    return found


def prepared(arguments: Any, cache: Path) -> tuple[Ground, Any]:
    """The ground over a part of devops_se, and the examples that train gives."""
    base = read_checkpoint(default_checkpoint(arguments.scratch / "default"))
    dataset, _ = prepare(read_files([arguments.data / "devops_se"]), config=DataConfig())
    judged_ids = {doc_id for grades in dataset.test.qrels.values() for doc_id in grades}
    order = np.random.default_rng(0).permutation(len(dataset.corpus.texts)).tolist()
    kept = [at for at, doc in enumerate(dataset.corpus.documents) if doc.id in judged_ids]
    kept = sorted({*kept, *order[: max(0, DOCUMENTS - len(kept))]})
    corpus = Corpus(
        documents=tuple(dataset.corpus.documents[at] for at in kept),
        texts=tuple(dataset.corpus.texts[at] for at in kept),
    )
    hardware = choose_hardware(device="auto", precision="auto")
    learner = open_learner(base.path, hardware=hardware, max_length=base.max_length)
    return Ground(base, learner, corpus, dataset.test, cache), dataset.tasks[0].examples


def tally(ground: Ground, former: Run, found: Sequence[Any]) -> list[dict[str, Any]]:
    """How many of each kind were accepted, over samples of the queries."""
    most = len(ground.queries) * 9 // 10
    random = np.random.default_rng(0)
    rows: dict[str, dict[str, Any]] = {}
    for kind, run in found:
        wanted = "accepted" if kind == BETTER else "refused"
        new = {"kind": kind, "should be": wanted, "n": 0, "accepted": 0, "gains": []}
        row = rows.setdefault(kind, new)
        for _ in range(SAMPLES):
            sample = np.sort(random.choice(len(ground.queries), most, replace=False))
            row["n"] += 1
            if run is not None:
                accepted, gain = judged(ground, former, run, rows=sample)
                row["accepted"] += accepted
                row["gains"].append(gain)
    for row in rows.values():
        gains = row.pop("gains")
        row["mean gain"] = float(np.mean(gains)) if gains else None
        row["least gain"] = min(gains, default=None)
        row["largest gain"] = max(gains, default=None)
    return list(rows.values())


def main() -> None:
    """Plant, judge and record."""
    options = parser(__doc__)
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--trained", required=True, metavar="CHECKPOINT")
    options.add_argument("--steps", type=int, default=40, help="of the shuffled training")
    arguments = options.parse_args()
    machine = machine_facts()
    with TemporaryDirectory() as cache:
        ground, examples = prepared(arguments, Path(cache))
        use_all_cores()
        base = copy.deepcopy(ground.learner.state_dict())
        trained_at = arguments.home / "checkpoints" / arguments.trained
        hardware = ground.learner.hardware
        other = open_learner(trained_at, hardware=hardware, max_length=ground.base.max_length)
        shuffled = shuffled_weights(ground, base, examples, steps=arguments.steps)
        candidates = list(planted(base, other.state_dict(), shuffled))
        former = ground.run(base, name="f" * 16)
        rows = tally(ground, former, measure_all(ground, former, candidates))
    bad = [row for row in rows if row["should be"] == "refused"]
    good = [row for row in rows if row["should be"] == "accepted"]
    record(
        "gate",
        machine=machine,
        targets=[
            Target(
                "decisions that accept a bad candidate",
                sum(row["accepted"] for row in bad),
                "<=",
                0,
            ),
            Target("decisions on bad candidates", sum(row["n"] for row in bad), ">=", 100),
            Target(
                "share of decisions that accept a better one",
                sum(row["accepted"] for row in good) / sum(row["n"] for row in good),
                ">=",
                0.95,
            ),
            Target("decisions on better candidates", sum(row["n"] for row in good), ">=", 100),
        ],
        tables=[Table("Decisions by kind of candidate", rows)],
        details={},
    )


if __name__ == "__main__":
    main()
