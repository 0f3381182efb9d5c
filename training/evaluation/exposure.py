"""Exposure: how much of readers' attention each group of documents gets, against what it deserves.

A. Singh, T. Joachims, "Fairness of exposure in rankings", KDD 2018: a document at rank r is seen
with weight 1 / log2(1 + r). A group that gets less than its share of relevance is treated unfairly.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molt.training.data.dataset import Corpus, Qrels
from molt.training.errors import EvaluationError
from molt.training.evaluation.measures import CUTOFF, QueryValues
from molt.training.evaluation.runs import Run
from molt.training.evaluation.slices import OTHER, field_values

_MOST_GROUPS = 12


@dataclass(frozen=True)
class GroupExposure:
    """One group's shares, 0 to 1: of the corpus, of all relevance, of all exposure."""

    group: str
    documents: float
    relevance: float
    exposure: float


@dataclass(frozen=True)
class Exposure:
    """All groups of a metadata field, the most relevant first; a list counts in equal parts.

    `distance` is half the sum of |exposure - relevance| (total variation): 0 where each group is
    seen as much as it is relevant.
    """

    field: str
    groups: tuple[GroupExposure, ...]
    distance: float


@dataclass(frozen=True)
class Grouping:
    """The groups of each document, in the corpus' order, by one metadata field."""

    field: str
    members: tuple[tuple[str, ...], ...]


def grouped(corpus: Corpus, field: str) -> Grouping:
    """Group the documents. Raises `EvaluationError` for a field that no document has."""
    if not any(field in document.metadata for document in corpus.documents):
        known = sorted({name for document in corpus.documents for name in document.metadata})
        raise EvaluationError(
            f"no document has the metadata field {field!r}; there are: {', '.join(known) or 'none'}"
        )
    return Grouping(
        field, tuple(tuple(field_values(each.metadata.get(field))) for each in corpus.documents)
    )


def exposure(run: Run, *, corpus: Corpus, qrels: Qrels, grouping: Grouping) -> Exposure:
    """Shares of the groups over the first ten of every query."""
    members = grouping.members
    documents = _shares(members, np.ones(len(members)))
    relevance = _shares(members, _relevance(corpus, qrels, run.query_ids))
    seen = _shares(members, _attention(run, len(members)))
    order = sorted(documents, key=lambda group: (-relevance[group], -documents[group], group))
    groups = [
        GroupExposure(group, documents[group], relevance[group], seen[group]) for group in order
    ]
    distance = sum(abs(each.exposure - each.relevance) for each in groups) / 2
    return Exposure(grouping.field, _folded(groups), distance)


def _relevance(corpus: Corpus, qrels: Qrels, query_ids: Sequence[str]) -> QueryValues:
    """What each document deserves: its part of the grades of each query, summed. `(n,)`."""
    places = {document.id: row for row, document in enumerate(corpus.documents)}
    deserved = np.zeros(len(places))
    for query_id in query_ids:
        grades = {
            places[doc_id]: grade
            for doc_id, grade in qrels.get(query_id, {}).items()
            if grade > 0 and doc_id in places
        }
        total = sum(grades.values())
        for row, grade in grades.items():
            deserved[row] += grade / total
    return deserved


def _attention(run: Run, n_documents: int) -> QueryValues:
    """The exposure that each document got over all queries. `(n,)`."""
    first = run.rows[:, :CUTOFF]
    weights = 1 / np.log2(np.arange(2, first.shape[1] + 2))
    every = np.broadcast_to(weights, first.shape)
    found = first >= 0
    return np.bincount(first[found], every[found], n_documents).astype(np.float64)


def _shares(members: Sequence[Sequence[str]], weights: QueryValues) -> Counter[str]:
    total = float(weights.sum()) or 1.0
    shares: Counter[str] = Counter()
    for groups, weight in zip(members, weights.tolist(), strict=True):
        for group in groups:
            shares[group] += weight / (len(groups) * total)
    return shares


def _folded(groups: Sequence[GroupExposure]) -> tuple[GroupExposure, ...]:
    """The first groups, and the rest as one."""
    if len(groups) <= _MOST_GROUPS:
        return tuple(groups)
    kept, rest = groups[: _MOST_GROUPS - 1], groups[_MOST_GROUPS - 1 :]
    other = GroupExposure(
        f"{OTHER}: {len(rest)} groups",
        sum(each.documents for each in rest),
        sum(each.relevance for each in rest),
        sum(each.exposure for each in rest),
    )
    return (*kept, other)
