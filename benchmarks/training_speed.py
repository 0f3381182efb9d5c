"""How fast does a run learn, next to sentence-transformers' own trainer in fp32?

    python -m benchmarks.training_speed --data ../shared/data

Both learn the same pairs with the same loss, batches of 64, the same schedule and no negatives but
those of the batch, from the same weights; one after the other in each round. Pairs a second are
counted between the first and the last step of an epoch, without what is measured between epochs.
Dev nDCG@10 is that of the weights after the last epoch, by exact search over the whole corpus.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from datasets import Dataset as Columns
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import TrainerCallback

from benchmarks.checkpoint import default_checkpoint
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from molt.encoder.checkpoint import Checkpoint, InputType, read_checkpoint
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Dataset, TaskKind
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from molt.training.fit.config import FitConfig
from molt.training.fit.dev import DevSet
from molt.training.fit.fit import fit
from molt.training.fit.fitted import Workplace
from molt.training.fit.hardware import use_all_cores

BATCH = 64
LOG_STEPS = 5  # as Molt's own trainer


@dataclass(frozen=True)
class Pace:
    """What one trainer did in one round."""

    trainer: str
    round: int
    pairs_per_second: float
    ndcg10: float


class Clock(TrainerCallback):
    """When each step that is logged was done."""

    def __init__(self) -> None:
        self.ticks: list[tuple[int, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Note a step."""
        if "loss" in (more.get("logs") or {}):
            self.ticks.append((state.global_step, time.time()))


def learn_plainly(base: Checkpoint, dataset: Dataset, config: FitConfig) -> tuple[float, float]:
    """Pairs a second, and dev nDCG@10 in the end, of sentence-transformers' trainer in fp32."""
    use_all_cores()
    model = SentenceTransformer(str(base.path), device="cpu", local_files_only=True)
    model.max_seq_length = base.max_length
    examples = _judged(dataset)
    columns = {
        "anchor": [example.query for example in examples],
        "positive": [example.document for example in examples],
    }
    clock = Clock()
    with TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=config.run.epochs,
            per_device_train_batch_size=BATCH,
            learning_rate=config.optimiser.learning_rate,
            warmup_steps=config.optimiser.warmup,
            weight_decay=config.optimiser.weight_decay,
            seed=config.run.seed,
            use_cpu=True,
            save_strategy="no",
            logging_steps=LOG_STEPS,
            report_to=[],
            disable_tqdm=True,
        )
        SentenceTransformerTrainer(
            model,
            args=arguments,
            train_dataset=Columns.from_dict(columns),
            loss=MultipleNegativesRankingLoss(model),
            callbacks=[clock],
        ).train()

    def embed(texts: Sequence[str], _: InputType) -> Any:
        return model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)

    return pace(clock.ticks, pauses=()), DevSet(dataset.dev, dataset.corpus).ndcg10(embed)


def learn_by_molt(base: Checkpoint, dataset: Dataset, config: FitConfig) -> tuple[float, float]:
    """The same of Molt, which measures dev between its epochs."""
    with TemporaryDirectory() as folder:
        place = Workplace(Path(folder), Path(folder) / "cache")
        fitted = fit(base, dataset, config=config, workplace=place)
        lines = (place.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    ticks = [(event["step"], event["at"]) for event in events if event["stage"] == "training"]
    pauses = [event["at"] for event in events if event["stage"] == "dev"]
    return pace(ticks, pauses=pauses), fitted.ndcg10[-1]


def pace(ticks: Sequence[tuple[int, float]], *, pauses: Sequence[float]) -> float:
    """Pairs a second over all stretches between two ticks that no pause interrupts."""
    steps, seconds = 0, 0.0
    for (first, began), (last, ended) in pairwise(ticks):
        if not any(began <= pause <= ended for pause in pauses):
            steps, seconds = steps + last - first, seconds + ended - began
    return steps * BATCH / seconds


def _judged(dataset: Dataset) -> Sequence[Any]:
    return next(task.examples for task in dataset.tasks if task.kind is TaskKind.POSITIVES)


def main() -> None:
    """Train by both, and record the result."""
    options = parser(__doc__)
    options.add_argument("--corpus", default="devops_se")
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--rounds", type=int, default=2)
    arguments = options.parse_args()
    machine = machine_facts()
    base = read_checkpoint(default_checkpoint(arguments.scratch / "default"))
    raw = read_files([arguments.data / arguments.corpus])
    dataset, _ = prepare(raw, config=DataConfig(weighting="none"))
    config = FitConfig.model_validate(
        {
            "negatives": {"per_query": 0},
            "objective": {"scored": "none"},
            "run": {
                "epochs": arguments.epochs,
                "batch_size": BATCH,
                "patience": 100,
                "dev_documents": len(dataset.corpus.texts),
            },
        }
    )
    paces = []
    for number in range(arguments.rounds):
        for name, learn in (("sentence-transformers", learn_plainly), ("molt", learn_by_molt)):
            paces.append(Pace(name, number, *learn(base, dataset, config)))
            print(paces[-1], flush=True)
    report(paces, corpus=arguments.corpus, pairs=len(_judged(dataset)), machine=machine)


def report(paces: Sequence[Pace], *, corpus: str, pairs: int, machine: dict[str, Any]) -> None:
    """Record medians over rounds, and their ratio."""
    plain, ours = ([one for one in paces if one.trainer == name] for name in _TRAINERS)
    ratios = [b.pairs_per_second / a.pairs_per_second for a, b in zip(plain, ours, strict=True)]
    losses = [a.ndcg10 - b.ndcg10 for a, b in zip(plain, ours, strict=True)]
    rows = [
        {
            "trainer": name,
            "pairs/s": median([one.pairs_per_second for one in group]),
            "ratio": median(ratios) if name == "molt" else 1.0,
            "dev nDCG@10": float(np.median([one.ndcg10 for one in group])),
        }
        for name, group in zip(_TRAINERS, (plain, ours), strict=True)
    ]
    record(
        "training_speed",
        machine=machine,
        targets=[
            Target("pairs/s relative to sentence-transformers", median(ratios), ">=", 1.8),
            Target("dev nDCG@10 lost", float(np.median(losses)), "<=", 0.005),
        ],
        tables=[Table(f"{corpus}, {pairs} pairs an epoch", rows)],
        details={"rounds": [vars(one) for one in paces]},
    )


_TRAINERS = ("sentence-transformers", "molt")


if __name__ == "__main__":
    main()
