"""Batches: which rows make a step, in an order that depends on seed and epoch alone.

Rows are drawn in proportion to their weights. No two rows of a batch share a query, and no text
of a batch answers another row's query: with in-batch negatives that would teach the opposite.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sentence_transformers.base.sampler import DefaultBatchSampler

from molt.training.fit.negatives import Knowledge
from molt.training.fit.rows import Rows

_EASIEST = 0.5  # the share of the examples that a curriculum begins with


@dataclass(frozen=True)
class Plan:
    """How rows are drawn: how many in an epoch; epochs that a curriculum takes (0: none)."""

    rows_per_epoch: int
    batch_size: int
    curriculum_epochs: int
    seed: int


class Batches(DefaultBatchSampler):
    """The batches of one task; the trainer says which epoch it is."""

    def __init__(self, rows: Rows, *, plan: Plan, knowledge: Knowledge) -> None:
        super().__init__(rows.dataset, batch_size=plan.batch_size, drop_last=False, seed=plan.seed)
        self._rows = rows
        self._plan = plan
        self._knowledge = knowledge

    def __len__(self) -> int:
        return math.ceil(self._plan.rows_per_epoch / self._plan.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self._plan.seed, self.epoch))
        drawn = draw(self._weights(), size=self._plan.rows_per_epoch, random=random)
        yield from self._packed(random.permutation(drawn).tolist())

    def _weights(self) -> npt.NDArray[np.float64]:
        """Weights of the rows, 0 for those that a curriculum keeps for later."""
        weights = self._rows.weights
        epochs = self._plan.curriculum_epochs
        if not epochs or self._rows.mined is None or self.epoch >= epochs:
            return weights
        share = _EASIEST + (1 - _EASIEST) * self.epoch / epochs
        order = np.argsort(self._rows.mined.difficulty, kind="stable")
        weights = weights.copy()
        weights[order[int(np.ceil(share * len(order))) :]] = 0
        return weights

    def _packed(self, rows: Sequence[int]) -> Iterator[list[int]]:
        """Every row into the first batch with room for it and nothing against it.

        As many batches as `len` says; a row that fits into none of them waits for another epoch.
        """
        batches = [_Batch(self._rows, self._knowledge) for _ in range(len(self))]
        first = 0
        for row in rows:
            while first < len(batches) and len(batches[first].rows) >= self._plan.batch_size:
                first += 1
            for batch in batches[first:]:
                if len(batch.rows) < self._plan.batch_size and batch.take(row):
                    break
        for batch in batches:
            if batch.rows:
                yield batch.rows


class _Batch:
    """A batch as it fills: the queries and texts in it, and what answers each query."""

    def __init__(self, source: Rows, knowledge: Knowledge) -> None:
        self.rows: list[int] = []
        self._source = source
        self._knowledge = knowledge
        self._queries: set[str] = set()
        self._texts: set[str] = set()
        self._answers: set[str] = set()

    def take(self, row: int) -> bool:
        """Add a row unless it and the batch would contradict each other."""
        example = self._source.task.examples[row]
        corpus = self._source.corpus.texts
        texts = {example.document, *self._source.negatives(row)}
        known = self._knowledge.relevant.get(example.query, frozenset())
        answers = {example.document, *(corpus[place] for place in known)}
        if example.query in self._queries or texts & self._answers or answers & self._texts:
            return False
        self.rows.append(row)
        self._queries.add(example.query)
        self._texts |= texts
        self._answers |= answers
        return True


def draw(
    weights: npt.NDArray[np.float64], *, size: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """`size` rows in proportion to `weights`, each as often as is expected, rounded up or down.

    Systematic sampling (Madow 1949): equally spaced points on the cumulated weights.
    """
    edges = np.cumsum(weights)
    points = (np.arange(size) + random.random()) * (edges[-1] / size)
    found: npt.NDArray[np.int64] = np.searchsorted(edges, points, side="right")
    return found.clip(max=len(weights) - 1)
