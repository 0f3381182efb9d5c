"""A dataset: one corpus, three splits of judged queries, and the tasks to learn from.

What cleaning and splitting leave, and all that fitting and evaluation see. Reads nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query

Qrels = Mapping[str, Mapping[str, int]]
"""Grades by query id and document id; 0 is judged and not relevant."""


@dataclass(frozen=True)
class Corpus:
    """Documents in one order, and `texts`: of each the passage that is encoded."""

    documents: tuple[Document, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """Judged queries; each has at least one relevant document in the corpus."""

    queries: Mapping[str, Query]
    qrels: Qrels


class TaskKind(StrEnum):
    """What the examples of a task say."""

    POSITIVES = "positives"  # a query and a text that answers it
    TRIPLETS = "triplets"  # and one that does not
    SCORED = "scored"  # a query, a text, and how relevant it is


@dataclass(frozen=True)
class Example:
    """A query with a document's text.

    `score` is how relevant the text is, 0 to 1; of a positive it is its grade over the largest.
    `weight` says how often the example is drawn, 1 on average. `query_id` and `doc_id` are known
    where the example comes from judgments, `doc_id` alone where a pair names its document.
    """

    query: str
    document: str
    negative: str | None = None
    score: float = 1.0
    weight: float = 1.0
    query_id: str | None = None
    doc_id: str | None = None


@dataclass(frozen=True)
class Task:
    """Examples of one kind, from one origin; learnt from with one objective."""

    name: str
    kind: TaskKind
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Dataset:
    """All of it. `digest` is a hash of everything here: equal data has an equal one."""

    corpus: Corpus
    train: Split
    dev: Split
    test: Split
    tasks: tuple[Task, ...]
    digest: str
