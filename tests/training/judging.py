"""Checkpoints that hash words instead of running a model, and a small judged corpus."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from molt.encoder import Checkpoint
from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Corpus, Split
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.significance import Sampling
from molt.worker.tasks.runs import run_maker
from tests.hashing import HashingEncoder

QUICK = Sampling(resamples=200, permutations=200)


@dataclass
class Encoders:
    """Opens hashing encoders by checkpoint, as `open_encoder` does real ones."""

    made: dict[str, HashingEncoder] = field(default_factory=dict)
    opened: list[HashingEncoder] = field(default_factory=list)

    def checkpoint(self, **options: Any) -> Checkpoint:
        return self.add(HashingEncoder(**options))

    def add(self, encoder: HashingEncoder) -> Checkpoint:
        self.made[encoder.checkpoint.id] = encoder
        return encoder.checkpoint

    def open(self, checkpoint: Checkpoint, *, cache: Path) -> HashingEncoder:
        self.opened.append(self.made[checkpoint.id])
        self.opened[-1].closed = False
        return self.opened[-1]


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> Encoders:
    made = Encoders()
    monkeypatch.setattr("molt.training.evaluation.measurement.open_encoder", made.open)
    return made


def corpus_of(*documents: Document) -> Corpus:
    return Corpus(documents, tuple(passage_text(title=d.title, text=d.text) for d in documents))


SUBJECTS = ("boots", "gloves", "tents", "lamps", "ropes", "stoves")
KINDS = ("warm", "light", "cheap", "red", "old", "small")


@pytest.fixture
def trial() -> Trial:
    """36 documents, 36 queries; each asks for one document by its two words, shop and all."""
    documents = [
        Document(f"{kind}-{subject}", f"{kind} {subject} sold here", metadata={"shop": subject[0]})
        for subject in SUBJECTS
        for kind in KINDS
    ]
    queries = {
        f"q{at}": Query(f"q{at}", " ".join([*each.id.split("-"), "please"]), {"kind": each.id[:3]})
        for at, each in enumerate(documents)
    }
    qrels = {f"q{at}": {each.id: 1} for at, each in enumerate(documents)}
    return Trial("shop", corpus_of(*documents), Split(queries, qrels), digest="abc")


Evaluate = Callable[..., Report]


@pytest.fixture
def evaluated(trial: Trial, encoders: Encoders, tmp_path: Path) -> Evaluate:
    """Compares a sound encoder with one that reads a single word of a text, or as told."""

    def run(on: Trial = trial, **plan: Any) -> Report:
        contenders = Contenders(
            [encoders.checkpoint(max_length=3)], baseline=encoders.checkpoint(dimension=96)
        )
        return evaluate(
            on,
            contenders=contenders,
            plan=EvaluationPlan(sampling=QUICK, **plan),
            cache=tmp_path / "cache",
            make_run=run_maker(tmp_path / "cache"),
        )

    return run
