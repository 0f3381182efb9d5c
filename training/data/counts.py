"""Counts: how much there is of each kind of record after each step."""

from dataclasses import dataclass

from molt.training.data.cleaning.clean import CleanData
from molt.training.data.dataset import Dataset
from molt.training.data.raw import RawData
from molt.training.data.tasks import PAIRS, SCORES, TRIPLETS


@dataclass(frozen=True)
class Counts:
    """Records after the step of that name."""

    step: str
    documents: int
    queries: int
    judgments: int
    pairs: int
    triplets: int
    scores: int


def count_raw(raw: RawData) -> Counts:
    """What was read."""
    lists = (raw.documents, raw.queries, raw.judgments, raw.pairs, raw.triplets, raw.scored)
    return Counts("read", *map(len, lists))


def count_clean(clean: CleanData) -> Counts:
    """What cleaning left."""
    judged = (clean.corpus.documents, clean.queries, clean.judgments)
    return Counts(
        "cleaned", *map(len, judged), *map(len, (clean.pairs, clean.triplets, clean.scored))
    )


def count_dataset(dataset: Dataset) -> Counts:
    """What is in the splits and the tasks."""
    splits = (dataset.train, dataset.dev, dataset.test)
    examples = {task.name: len(task.examples) for task in dataset.tasks}
    return Counts(
        "split",
        documents=len(dataset.corpus.documents),
        queries=sum(len(split.queries) for split in splits),
        judgments=sum(len(grades) for split in splits for grades in split.qrels.values()),
        pairs=examples.get(PAIRS, 0),
        triplets=examples.get(TRIPLETS, 0),
        scores=examples.get(SCORES, 0),
    )
