"""The data card: where a dataset comes from, what became of it, and what it looks like."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molt.artifact import write_atomically
from molt.training.data.card_text import render_card
from molt.training.data.cleaning.findings import Finding, Findings
from molt.training.data.config import DataConfig
from molt.training.data.counts import Counts
from molt.training.data.dataset import Dataset
from molt.training.data.distribution import (
    Lengths,
    SplitShape,
    TaskShape,
    measure_lengths,
    measure_split,
    measure_task,
)
from molt.training.data.leakage import Leakage
from molt.training.data.raw import Origin, RawData

_CARD_FORMAT = 1
JSON_NAME = "card.json"
TEXT_NAME = "card.md"


@dataclass(frozen=True)
class Preparation:
    """What happened while a dataset was prepared."""

    steps: tuple[Counts, ...]
    findings: Findings
    leakage: Leakage


@dataclass(frozen=True)
class DataCard:
    """Everything that can be said of a dataset without showing it. `digest` is the dataset's."""

    format: int
    digest: str
    config: Mapping[str, Any]
    origins: tuple[Origin, ...]
    rejected: tuple[str, ...]
    steps: tuple[Counts, ...]
    dropped: tuple[Finding, ...]
    changed: tuple[Finding, ...]
    splits: Mapping[str, SplitShape]
    tasks: tuple[TaskShape, ...]
    lengths: Mapping[str, Lengths]
    leakage: Leakage
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The card as JSON has it."""
        return asdict(self)


def describe_data(
    dataset: Dataset,
    *,
    raw: RawData,
    config: DataConfig,
    preparation: Preparation,
) -> DataCard:
    """The card of a dataset that was prepared from `raw`."""
    splits = {"train": dataset.train, "dev": dataset.dev, "test": dataset.test}
    queries = [query.text for split in splits.values() for query in split.queries.values()]
    return DataCard(
        format=_CARD_FORMAT,
        digest=dataset.digest,
        config=config.model_dump(mode="json"),
        origins=raw.origins,
        rejected=raw.rejected,
        steps=preparation.steps,
        dropped=preparation.findings.dropped,
        changed=preparation.findings.changed,
        splits={name: measure_split(split) for name, split in splits.items()},
        tasks=tuple(map(measure_task, dataset.tasks)),
        lengths={
            "queries": measure_lengths(queries),
            "documents": measure_lengths(dataset.corpus.texts),
        },
        leakage=preparation.leakage,
        remarks=raw.remarks,
    )


def write_data_card(card: DataCard, folder: Path) -> None:
    """Write `card.json` and `card.md` into an existing folder."""
    values = card.to_json()
    encoded = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / JSON_NAME, encoded.encode("utf-8", "backslashreplace"))
    text = render_card(values)
    write_atomically(folder / TEXT_NAME, text.encode("utf-8", "backslashreplace"))
