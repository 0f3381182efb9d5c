"""Rows: the examples of one task as the trainer reads them, with negatives that may change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from molt.encoder import InputType
from molt.training.data.dataset import Corpus, Task, TaskKind
from molt.training.fit.config import CONTRASTING, DISTILLING, Objective
from molt.training.fit.negatives import Mined
from molt.training.fit.teaching import Teacher

ANCHOR = "anchor"
POSITIVE = "positive"
NEGATIVE = "negative"
LABEL = "label"


@dataclass
class RowOrder:
    """A task under an objective. `mined` is what the next row read will get its negatives from."""

    task: Task
    objective: Objective
    corpus: Corpus
    teacher: Teacher | None = None
    mined: Mined | None = None
    dataset: Dataset = field(init=False)

    def __post_init__(self) -> None:
        numbers = {"row": range(len(self.task.examples))}
        self.dataset = Dataset.from_dict(numbers).with_transform(_Reading(self))

    @property
    def wants_negatives(self) -> bool:
        """Whether documents must be mined for it."""
        return self.task.kind is TaskKind.POSITIVES and self.objective in CONTRASTING

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """How often each row is drawn, `(n,)`."""
        return np.array([example.weight for example in self.task.examples])

    def negatives(self, row: int) -> list[str]:
        """The texts that row is contrasted with, apart from those of other rows."""
        given = self.task.examples[row].negative
        if given is not None:
            return [given]
        if self.mined is None or not self.wants_negatives:
            return []
        return [self.corpus.texts[place] for place in self.mined.documents[row]]

    def read(self, rows: Sequence[int]) -> dict[str, list[Any]]:
        """The columns of rows: queries, texts that answer them, others, and labels."""
        examples = [self.task.examples[row] for row in rows]
        columns: dict[str, list[Any]] = {
            ANCHOR: [example.query for example in examples],
            POSITIVE: [example.document for example in examples],
        }
        if self.objective in CONTRASTING:
            for at, texts in enumerate(zip(*map(self.negatives, rows), strict=True)):
                columns[f"{NEGATIVE}_{at}"] = list(texts)
        if self.objective in DISTILLING:
            columns[LABEL] = self._taught(columns)
        elif self.objective is Objective.COSENT:
            columns[LABEL] = [float(example.score) for example in examples]
        elif self.objective not in CONTRASTING:
            columns[LABEL] = [int(example.score > 0) for example in examples]
        return columns

    def _taught(self, columns: dict[str, list[Any]]) -> list[list[float]]:
        """The teacher's scores of each row's texts, the positive first."""
        if self.teacher is None:
            raise ValueError("an objective that distils has rows without a teacher")
        texts = [column for name, column in columns.items() if name != ANCHOR]
        return [[float(value) for value in row] for row in self.teacher(columns[ANCHOR], texts)]


class _Reading:
    """What `datasets` calls for each batch; it also hashes it, for which the name must do."""

    def __init__(self, rows: RowOrder) -> None:
        self._rows = rows

    def __call__(self, batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        return self._rows.read(batch["row"])

    def __getstate__(self) -> str:
        return self._rows.task.name


def prompts(column: Callable[[InputType], str]) -> dict[str, str]:
    """Which prompt goes before the texts of each column."""
    documents = [POSITIVE, *(f"{NEGATIVE}_{at}" for at in range(16))]
    return {ANCHOR: column(InputType.QUERY)} | dict.fromkeys(documents, column(InputType.DOCUMENT))
