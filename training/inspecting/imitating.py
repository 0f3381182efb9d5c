"""Imitating: a shallow tree over words and metadata that ranks as the model does, told as rules.

Its fidelity is what it gets right of queries that it did not learn from. What it leaves is what the
model does beyond words and metadata.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from molt.index.catalog.document import Document
from molt.training.inspecting.corpus import InspectedCorpus
from molt.training.inspecting.faithfulness import spearman
from molt.training.inspecting.opened import Doubles

TREE_DEPTH = 3
_BEST, _RANDOM = 20, 40
_MOST_QUERIES = 60
_LEAST_QUERIES = 8
_HELD_OUT = 4
"""Of as many queries one is held out."""
_LEAST_PAIRS = 20
_MOST_FIELDS, _MOST_VALUES = 8, 5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Rule:
    """Where all conditions hold, documents stand `score` standard deviations above a query's mean.

    So they do in `pairs` of a query and a document that the tree learnt from.
    """

    conditions: tuple[str, ...]
    score: float
    pairs: int


@dataclass(frozen=True)
class Imitation:
    """Rules, best first. Of queries that were held out `r2` is the share of the variance of the
    model's scores that they explain, below 0 where the mean would explain more, and `correlation`
    how alike they rank, Spearman's, the mean over queries.
    """

    rules: tuple[Rule, ...]
    r2: float
    correlation: float
    queries: int
    held_out: int
    features: tuple[str, ...]


@dataclass(frozen=True)
class _Learnt:
    """Features `(n, m)` and scores `(n,)` of pairs of a query and a document, query by query."""

    features: Doubles
    scores: Doubles

    @classmethod
    def joined(cls, parts: "Sequence[_Learnt]") -> "_Learnt":
        return cls(
            np.concatenate([one.features for one in parts]),
            np.concatenate([one.scores for one in parts]),
        )


def imitate(
    corpus: InspectedCorpus, cosines: NDArray[np.float32], *, seed: int
) -> Imitation | None:
    """Learn to rank as `cosines` `(queries, documents)` do; a row is of a query of the corpus.

    None where there are fewer than eight queries or twenty documents.
    """
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(corpus.queries))[:_MOST_QUERIES].tolist()
    if len(chosen) < _LEAST_QUERIES or len(corpus.documents) < _BEST:
        return None
    described = _Described(corpus.documents)
    parts = [
        _pairs(described, corpus.queries[at], cosines[at].astype(np.float64), random)
        for at in chosen
    ]
    held_out, taught = parts[::_HELD_OUT], [one for at, one in enumerate(parts) if at % _HELD_OUT]
    lesson, test = _Learnt.joined(taught), _Learnt.joined(held_out)
    tree = DecisionTreeRegressor(
        max_depth=TREE_DEPTH, min_samples_leaf=_LEAST_PAIRS, random_state=seed % 2**32
    ).fit(lesson.features, lesson.scores)
    return Imitation(
        tuple(sorted(_rules(tree, described.names), key=lambda one: -one.score)),
        float(tree.score(test.features, test.scores)),
        float(np.mean([spearman(tree.predict(one.features), one.scores) for one in held_out])),
        len(taught),
        len(held_out),
        described.names,
    )


def _pairs(
    described: "_Described", query: str, cosines: Doubles, random: np.random.Generator
) -> _Learnt:
    """A query with its best documents and random ones, in standard deviations from the mean."""
    best = np.argsort(-cosines, kind="stable")[:_BEST].tolist()
    others = random.permutation(len(cosines))[:_RANDOM].tolist()
    rows = [*dict.fromkeys([*best, *others])]
    own = cosines[rows]
    spread = float(own.std()) or 1.0
    return _Learnt(described.features(query, rows), (own - own.mean()) / spread)


class _Described:
    """Documents by what can be seen without a model."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._words = [_words(f"{one.title} {one.text}") for one in documents]
        self._titles = [set(_words(one.title)) for one in documents]
        counted = Counter(word for words in self._words for word in set(words))
        self._weight = {
            word: math.log(1 + len(documents) / count) for word, count in counted.items()
        }
        self._unknown = math.log(1 + len(documents))
        fields = list(_field_columns(documents))
        self._fields = np.array([column for _, column in fields], np.float64).T
        self.names = (
            "the share of the query's words in the document",
            "the share of the query's words in the document, rare ones weighing more,",
            "the share of the query's words in the title",
            "how often the query's words are in the document",
            "the number of words in the document",
            *(name for name, _ in fields),
        )

    def features(self, query: str, rows: Sequence[int]) -> Doubles:
        """`(rows, names)` of one query."""
        asked = set(_words(query))
        lexical = np.array([self._lexical(asked, row) for row in rows], np.float64)
        return np.hstack([lexical, self._fields[rows]]) if self._fields.size else lexical

    def _lexical(self, asked: set[str], row: int) -> tuple[float, ...]:
        words = Counter(self._words[row])
        shared = asked & words.keys()
        whole = sum(self._weight.get(word, self._unknown) for word in asked)
        own = sum(self._weight[word] for word in shared)
        count = max(len(asked), 1)
        return (
            len(shared) / count,
            own / whole if whole else 0.0,
            len(asked & self._titles[row]) / count,
            float(sum(words[word] for word in shared)),
            float(len(self._words[row])),
        )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _field_columns(documents: Sequence[Document]) -> Iterator[tuple[str, list[float]]]:
    """Numbers as they are, 0 where there is none, and of frequent texts whether they are there."""
    told = Counter(name for one in documents for name in one.metadata)
    for name, _ in told.most_common(_MOST_FIELDS):
        values = [one.metadata.get(name) for one in documents]
        if all(_is_number(value) for value in values if value is not None):
            yield name, [float(value) if _is_number(value) else 0.0 for value in values]  # type: ignore[arg-type]
            continue
        texts = Counter(value for value in values if isinstance(value, str))
        for text, count in texts.most_common(_MOST_VALUES):
            if 1 < count < len(documents):
                yield f"{name} is {text[:40]}", [float(value == text) for value in values]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _rules(tree: DecisionTreeRegressor, names: Sequence[str]) -> Iterator[Rule]:
    """A rule for each leaf, by the way that leads to it."""
    inner = tree.tree_
    bounds: list[tuple[int, Mapping[str, tuple[float, float]]]] = [(0, {})]
    while bounds:
        node, way = bounds.pop()
        left, right = int(inner.children_left[node]), int(inner.children_right[node])
        if left < 0:
            score = float(inner.value[node].ravel()[0])
            yield Rule(tuple(_told(way)), score, int(inner.n_node_samples[node]))
            continue
        name, bound = names[int(inner.feature[node])], float(inner.threshold[node])
        low, high = way.get(name, (-math.inf, math.inf))
        bounds.append((left, {**way, name: (low, min(high, bound))}))
        bounds.append((right, {**way, name: (max(low, bound), high)}))


def _told(way: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    for name, (low, high) in way.items():
        if " is " in name:
            yield name if low > 0 else name.replace(" is ", " is not ", 1)
        elif math.isinf(low):
            yield f"{name} is at most {high:.3g}"
        elif math.isinf(high):
            yield f"{name} is more than {low:.3g}"
        else:
            yield f"{name} is more than {low:.3g} and at most {high:.3g}"
