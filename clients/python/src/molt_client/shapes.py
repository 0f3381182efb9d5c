"""What Molt takes and answers, as types: plain dictionaries, as its documentation shows them.

A server that is newer than this client may answer more; nothing is dropped.
"""

from typing import Any, Literal, NotRequired, TypedDict

Mode = Literal["hybrid", "dense", "lexical"]
Promotion = Literal["gated", "never", "force"]


class Document(TypedDict):
    """A document as it is written."""

    id: str
    text: str
    title: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]


class StoredDocument(Document):
    """A document as it is read."""

    revision: int
    truncated: NotRequired[bool]


class Scores(TypedDict):
    """What each retriever and the re-ranker say of a hit; None where one was not asked."""

    dense: float | None
    lexical: float | None
    rerank: float | None


class Passage(TypedDict):
    """Where in the text of its document a hit was found, in characters."""

    start: int
    end: int


class Hit(TypedDict):
    """One document that was found."""

    id: str
    score: float
    rank: int
    title: NotRequired[str]
    text: NotRequired[str]
    metadata: NotRequired[dict[str, Any]]
    highlights: list[Any]
    scores: Scores
    passage: Passage | None
    group: dict[str, Any] | None
    explanation: dict[str, Any] | None


class Total(TypedDict):
    """How many documents match; a lower bound where `relation` is `gte`."""

    value: int
    relation: Literal["eq", "gte"]


class SearchAnswer(TypedDict):
    """The answer to a search."""

    query_id: str
    took_ms: float
    generation: str
    checkpoint: str
    total: Total
    hits: list[Hit]
    answer: dict[str, Any] | None
    facets: dict[str, Any]
    truncated: bool
    cursor: str | None
    warnings: list[str]
    search: dict[str, Any]


class BatchResult(TypedDict):
    """What one search of many came to: one of the two is None."""

    answer: SearchAnswer | None
    problem: dict[str, Any] | None


class Suggestion(TypedDict):
    """How a query may go on."""

    text: str
    kind: Literal["query", "title"]
    count: int


class Written(TypedDict):
    """What was acknowledged: it is on disk; `indexed` says whether searches find it already."""

    accepted: int
    revision: int
    indexed: bool


class Deleted(Written):
    """What was deleted, and which ids there were not."""

    deleted: int
    missing: list[str]


class RankedDocument(TypedDict):
    """A document of a request: its place there, and how relevant it is, from 0 to 1."""

    index: int
    relevance_score: float


class JobEvent(TypedDict):
    """One line that a job tells: the `kind` of event and its data."""

    id: str
    kind: str
    data: dict[str, Any]
