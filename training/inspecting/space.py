"""The space of a model's vectors: how evenly it is used, what lies on one place, and a map of it.

Pure arithmetic over vectors `(n, dim) float32` of length 1.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.index.catalog.document import Document

Vectors32 = NDArray[np.float32]
NEAR = 0.95
"""From this cosine on two documents are near-duplicates."""
_RANDOM_PAIRS = 20_000
_TOLD_DUPLICATES = 10
_MOST_COLOURS = 8
_ROWS = 512
NO_VALUE = "(none)"
OTHER_VALUES = "(other)"


@dataclass(frozen=True)
class Isotropy:
    """How evenly a space is used: `mean_cosine` of random pairs, 0 where directions are even.

    `effective_dimension` is the participation ratio of the eigenvalues of the covariance, the
    square of their sum over the sum of their squares, `dimension` at most; `first_share` the part
    of the variance in the strongest direction.
    """

    documents: int
    dimension: int
    mean_cosine: float
    effective_dimension: float
    first_share: float


@dataclass(frozen=True)
class NearDuplicate:
    """Two documents, by id, that the model hardly tells apart."""

    first: str
    second: str
    cosine: float


@dataclass(frozen=True)
class NearDuplicates:
    """How many documents have another within a cosine of 0.95, and the nearest pairs.

    `same_text` of the pairs have equal texts: of those it is no fault of the model.
    """

    documents: int
    pairs: int
    same_text: int
    nearest: tuple[NearDuplicate, ...]


@dataclass(frozen=True)
class CorpusMap:
    """The two directions of most variance: a place `(x, y)` in [0, 1] and a group of each document.

    `groups` are values of `field`, the most frequent first. `shown` is the share of the variance
    that the map has.
    """

    field: str | None
    groups: tuple[str, ...]
    places: tuple[tuple[float, float, int], ...]
    shown: float


def isotropy(vectors: Vectors32, *, seed: int) -> Isotropy | None:
    """None of fewer than two vectors."""
    n, dimension = vectors.shape
    if n < 2:
        return None
    left, right = np.random.default_rng(seed).integers(0, n, (2, _RANDOM_PAIRS))
    apart = left != right
    cosines = np.einsum("nd,nd->n", vectors[left[apart]], vectors[right[apart]])
    spread = _eigenvalues(vectors)
    whole = float(spread.sum())
    ratio = whole**2 / float((spread**2).sum()) if whole > 0 else 0.0
    first = float(spread.max()) / whole if whole > 0 else 0.0
    return Isotropy(n, dimension, float(cosines.mean()), ratio, first)


def near_duplicates(vectors: Vectors32, documents: Sequence[Document]) -> NearDuplicates:
    """Every pair is compared: `(n, n)` cosines, some hundred rows at a time."""
    found = sorted(_near_pairs(vectors), key=lambda one: (-one[2], one[0], one[1]))
    touched = {row for one in found for row in one[:2]}
    nearest = tuple(
        NearDuplicate(documents[one].id, documents[other].id, cosine)
        for one, other, cosine in found[:_TOLD_DUPLICATES]
    )
    same = sum(_says_the_same(documents[one], documents[other]) for one, other, _ in found)
    return NearDuplicates(len(touched), len(found), same, nearest)


def draw_map(
    vectors: Vectors32, documents: Sequence[Document], *, field: str | None
) -> CorpusMap | None:
    """Principal components; coloured by `field`, or by the field that tells groups best.

    None of fewer than three vectors.
    """
    if len(vectors) < 3:
        return None
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    whole = float((lengths**2).sum())
    flat = centred @ directions[:2].T
    flat -= flat.min(axis=0)
    flat /= np.maximum(flat.max(axis=0), 1e-12)
    chosen = field or _telling_field(documents)
    values = [_value(one, chosen) for one in documents]
    groups = _groups(values)
    place = {value: at for at, value in enumerate(groups)}
    places = tuple(
        (round(x, 4), round(y, 4), place.get(value, len(groups) - 1))
        for (x, y), value in zip(flat.tolist(), values, strict=True)
    )
    shown = float((lengths[:2] ** 2).sum()) / whole if whole > 0 else 0.0
    return CorpusMap(chosen, groups, places, shown)


def _eigenvalues(vectors: Vectors32) -> NDArray[np.float64]:
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    lengths = np.linalg.svd(centred, compute_uv=False)
    return np.asarray(lengths**2)


def _near_pairs(vectors: Vectors32) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(vectors), _ROWS):
        cosines = vectors[start : start + _ROWS] @ vectors.T
        for row, column in np.argwhere(cosines >= NEAR).tolist():
            if start + row < column:
                yield start + row, column, float(cosines[row, column])


def _says_the_same(one: Document, other: Document) -> bool:
    return (one.title, one.text) == (other.title, other.text)


def _telling_field(documents: Sequence[Document]) -> str | None:
    """The field whose values are few and that most documents have; None where there is none."""
    told: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for one in documents:
        for name in one.metadata:
            value = _value(one, name)
            if value != NO_VALUE:
                told[name] += 1
                values.setdefault(name, set()).add(value)
    most = 4 * _MOST_COLOURS
    fit = [
        name for name in told if 2 <= len(values[name]) <= most and told[name] > len(values[name])
    ]
    return max(sorted(fit), key=lambda name: told[name], default=None)


def _value(document: Document, field: str | None) -> str:
    value = document.metadata.get(field) if field else None
    if isinstance(value, list) and value:
        value = value[0]
    return str(value) if isinstance(value, str | bool | int | float) else NO_VALUE


def _groups(values: Sequence[str]) -> tuple[str, ...]:
    """The most frequent values, and one for all others where there are more."""
    ranked = [value for value, _ in Counter(values).most_common()]
    if len(ranked) <= _MOST_COLOURS:
        return tuple(ranked)
    return (*ranked[: _MOST_COLOURS - 1], OTHER_VALUES)
