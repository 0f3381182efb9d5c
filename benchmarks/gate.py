"""Does the gate refuse what is bad and accept what is better?

    python -m benchmarks.gate --data ../shared/data --home DIR --trained CHECKPOINT

From the built-in encoder and one that was fitted to devops_se (`--home`, `--trained`) a hundred
better and a hundred bad candidates are planted, whose worth is known by how they are made. Each is
measured by search over a part of the corpus, and judged by the default gate on nine tenths of the
test queries, other ones for each. One whose vectors are NaN is refused by the evaluation, before it
comes to the gate.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.checkpoint import default_checkpoint
from benchmarks.judging import Ground, judged
from benchmarks.options import parser
from benchmarks.planting import BETTER, RANDOM, Planted, planted, shuffled_weights
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder import read_checkpoint
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Corpus, Example
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from molt.training.errors import EvaluationError
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.runs import Run
from molt.training.fit.hardware import choose_hardware, use_all_cores
from molt.training.fit.learner import open_learner

DOCUMENTS = 1000
MAX_LENGTH = 128
"""Tokens that are read of a text; both sides lose the rest."""
GOOD = 100
EACH = 20
"""Candidates of every kind that is bad; there are five."""
SLICES = 4
LEFT = 0.01


def bad_for_one(ground: Ground, former: Run, better: Sequence[Run], broken: Run) -> Iterator[Run]:
    """Better rankings whose queries of one tag are answered by broken weights.

    The tags are as frequent as can be with a gain that is left on average for each of `better`.
    """
    tags = [set(query.metadata.get("tags", ())) for query in ground.queries]
    counts = Counter(tag for each in tags for tag in each)
    before, worst = (ground.values(run)[PRIMARY] for run in (former, broken))
    after = [ground.values(run)[PRIMARY] for run in better]
    frequent = [np.array([tag in each for each in tags]) for tag, _ in counts.most_common()]
    still_better = [
        rows
        for rows in frequent
        if all(np.where(rows, worst, each).mean() - before.mean() >= LEFT for each in after)
    ]
    for run, rows in product(better, still_better[:SLICES]):
        ranked, scores = run.rows.copy(), run.scores.copy()
        ranked[rows], scores[rows] = broken.rows[rows], broken.scores[rows]
        yield Run(run.query_ids, ranked, scores)


def measure_all(
    ground: Ground, former: Run, candidates: Iterable[Planted]
) -> list[tuple[str, Run | None]]:
    """Each candidate's kind and ranking; no ranking where its vectors were refused."""
    found: list[tuple[str, Run | None]] = []
    for number, each in enumerate(candidates):
        try:
            found.append((each.kind, ground.run(each.weights, name=f"{number:016x}")))
        except EvaluationError as error:
            found.append((each.kind, None))
            print(error, flush=True)
        print(number, each.kind, flush=True)
    better = [run for kind, run in found if kind == BETTER and run is not None]
    broken = next(run for kind, run in found if kind == RANDOM and run is not None)
    some = better[:: -(len(better) // (EACH // SLICES))]
    return found + [("bad for one slice", run) for run in bad_for_one(ground, former, some, broken)]


def prepared(arguments: Any, cache: Path) -> tuple[Ground, Sequence[Example]]:
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
    learner = open_learner(base.path, hardware=hardware, max_length=MAX_LENGTH)
    return Ground(base, learner, corpus, dataset.test, cache), dataset.tasks[0].examples


def tally(
    ground: Ground, former: Run, found: Iterable[tuple[str, Run | None]]
) -> list[dict[str, Any]]:
    """How many of each kind were accepted, each on a sample of the queries."""
    most = len(ground.queries) * 9 // 10
    random = np.random.default_rng(0)
    rows: dict[str, dict[str, Any]] = {}
    for kind, run in found:
        wanted = "accepted" if kind == BETTER else "refused"
        new = {"kind": kind, "should be": wanted, "n": 0, "accepted": 0, "gains": []}
        row = rows.setdefault(kind, new)
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
        learner = ground.learner
        base = copy.deepcopy(learner.state_dict())
        trained_at = arguments.home / "checkpoints" / arguments.trained
        other = open_learner(trained_at, hardware=learner.hardware, max_length=MAX_LENGTH)
        candidates = planted(
            base,
            trained=other.state_dict(),
            shuffled=shuffled_weights(learner, base, examples, steps=arguments.steps),
            good=GOOD,
            each=EACH,
        )
        former = ground.run(base, name="f" * 16)
        rows = tally(ground, former, measure_all(ground, former, candidates))
    bad = [row for row in rows if row["should be"] == "refused"]
    good = [row for row in rows if row["should be"] == "accepted"]
    share = sum(row["accepted"] for row in good) / sum(row["n"] for row in good)
    record(
        "gate",
        machine=machine,
        targets=[
            Target("bad candidates accepted", sum(row["accepted"] for row in bad), "<=", 0),
            Target("bad candidates planted", sum(row["n"] for row in bad), ">=", 100),
            Target("share of better ones accepted", share, ">=", 0.95),
            Target("better candidates planted", sum(row["n"] for row in good), ">=", 100),
        ],
        tables=[Table("Candidates by kind", rows)],
        details={},
    )


if __name__ == "__main__":
    main()
