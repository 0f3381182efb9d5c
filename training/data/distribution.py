"""Distributions: how long texts are, how grades and answers spread, how weights fall."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from molt.training.data.dataset import Split, Task

_QUANTILES = (0, 5, 25, 50, 75, 95, 100)
_BINS = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100))


@dataclass(frozen=True)
class Lengths:
    """Quantiles of texts in characters and in words, by their per cent (`0` is the shortest)."""

    characters: Mapping[str, float]
    words: Mapping[str, float]


@dataclass(frozen=True)
class SplitShape:
    """A split: how many judgments have each grade, how many queries how many relevant documents."""

    queries: int
    judgments: int
    grades: Mapping[str, int]
    relevant_per_query: Mapping[str, int]


@dataclass(frozen=True)
class TaskShape:
    """A task; `effective` examples of equal weight would say as much: (sum w)^2 / sum w^2."""

    name: str
    kind: str
    examples: int
    queries: int
    weights: Mapping[str, float]
    effective: float


def measure_lengths(texts: Sequence[str]) -> Lengths:
    """The lengths of texts, of which there is at least one."""
    return Lengths(
        characters=_quantiles([len(text) for text in texts]),
        words=_quantiles([len(text.split()) for text in texts]),
    )


def measure_split(split: Split) -> SplitShape:
    """What a split looks like."""
    grades = Counter(grade for judged in split.qrels.values() for grade in judged.values())
    relevant = Counter(
        _bin(sum(grade > 0 for grade in judged.values())) for judged in split.qrels.values()
    )
    order = [_label(*edges) for edges in _BINS] + [_MORE]
    return SplitShape(
        queries=len(split.queries),
        judgments=grades.total(),
        grades={str(grade): grades[grade] for grade in sorted(grades)},
        relevant_per_query={label: relevant[label] for label in order if relevant[label]},
    )


def measure_task(task: Task) -> TaskShape:
    """What a task looks like."""
    weights = np.array([example.weight for example in task.examples])
    return TaskShape(
        name=task.name,
        kind=task.kind.value,
        examples=len(task.examples),
        queries=len({example.query for example in task.examples}),
        weights=_quantiles(weights.tolist()),
        effective=round(float(weights.sum() ** 2 / (weights**2).sum()), 1),
    )


_MORE = f"more than {_BINS[-1][1]}"


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    found = np.percentile(np.array(values), _QUANTILES, method="nearest")
    return {
        str(percent): round(float(value), 4)
        for percent, value in zip(_QUANTILES, found, strict=True)
    }


def _bin(count: int) -> str:
    return next((_label(low, high) for low, high in _BINS if low <= count <= high), _MORE)


def _label(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
