"""Micro-batches: which texts are computed together. Few and of like length, so nothing waits long.

On a CPU one long text fills a core by itself; only short ones gain from company.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_READ_TEXTS = 32
_READ_CHARACTERS = 100_000
_MAX_ROWS = 8
_MAX_TOKENS = 256


@dataclass(frozen=True)
class MicroBatch:
    """Texts computed in one call: their rows in the request, ids and mask `(n, length) int64`."""

    rows: tuple[int, ...]
    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]


def few_at_once(texts: Sequence[str]) -> list[list[str]]:
    """The texts in their order, as many together as are read in a moment."""
    parts: list[list[str]] = []
    characters = 0
    for text in texts:
        characters += len(text)
        if not parts or characters > _READ_CHARACTERS or len(parts[-1]) == _READ_TEXTS:
            parts.append([])
            characters = len(text)
        parts[-1].append(text)
    return parts


def singles(tokens: Sequence[NDArray[np.int64]]) -> list[MicroBatch]:
    """Each text alone, so that no vector depends on which texts came with it."""
    return [_assemble(tokens, (row,)) for row in range(len(tokens))]


def packed(tokens: Sequence[NDArray[np.int64]]) -> list[MicroBatch]:
    """Texts of like length together, longest first, as long as padded tokens stay few."""
    batches: list[MicroBatch] = []
    pending: list[int] = []
    for row in sorted(range(len(tokens)), key=lambda row: -len(tokens[row])):
        if pending and not _fits(len(pending) + 1, len(tokens[pending[0]])):
            batches.append(_assemble(tokens, tuple(pending)))
            pending = []
        pending.append(row)
    if pending:
        batches.append(_assemble(tokens, tuple(pending)))
    return batches


def _fits(rows: int, length: int) -> bool:
    return rows <= _MAX_ROWS and rows * length <= _MAX_TOKENS


def _assemble(tokens: Sequence[NDArray[np.int64]], rows: tuple[int, ...]) -> MicroBatch:
    """Pad with id 0: on the right and masked, it changes no vector in any architecture."""
    input_ids = np.zeros((len(rows), max(len(tokens[row]) for row in rows)), dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    for at, row in enumerate(rows):
        input_ids[at, : len(tokens[row])] = tokens[row]
        attention_mask[at, : len(tokens[row])] = 1
    return MicroBatch(rows=rows, input_ids=input_ids, attention_mask=attention_mask)
