"""Judgments: queries, graded query-document judgments, and pairs of a query and what answers it.

What each may hold, and the columns that keep it. Where they are kept is `relevance`'s.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import orjson

from molt.index.catalog.fields import (
    check_id,
    check_optional_id,
    check_optional_words,
    check_words,
    encode_metadata,
)
from molt.index.catalog.judging.split_name import standard_split
from molt.index.errors import InvalidFieldError, InvalidJudgmentError

MAX_GRADE = 100


@dataclass(frozen=True)
class Query:
    """A query of a test collection, known by its id."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgment:
    """How relevant a document is to a query: `grade` 0 (judged, not relevant) to 100.

    `split` names the part of the test collection it belongs to: train, dev, test, or None. Other
    spellings of these are kept as these.
    """

    query_id: str
    doc_id: str
    grade: int
    split: str | None = None


class PairKind(StrEnum):
    """What a pair says."""

    POSITIVE = "positive"  # a text answers the query
    CONTRAST = "contrast"  # one does, and another one does not
    SCORED = "scored"  # how well a text answers


@dataclass(frozen=True)
class Pair:
    """A query text with a text that answers it (`positive`), the document that does, or both.

    A contrast has a text beside it that does not answer (`negative`). Where there is a `score`,
    from 0 to 1, it says how well `positive` answers. `split` is that of `Judgment`.
    """

    query: str
    positive: str | None = None
    doc_id: str | None = None
    negative: str | None = None
    score: float | None = None
    split: str | None = None

    @property
    def kind(self) -> PairKind:
        """What it says."""
        if self.negative is not None:
            return PairKind.CONTRAST
        return PairKind.POSITIVE if self.score is None else PairKind.SCORED


def encode_query(query: Query) -> dict[str, Any]:
    """The columns that keep a query. Raises `InvalidJudgmentError`, which names the field."""
    with _naming(f"query {query.id!r:.80}"):
        return {
            "query_id": check_id(query.id, field="id"),
            "text": check_words(query.text, field="text"),
            "metadata": encode_metadata(query.metadata),
        }


def encode_judgment(judgment: Judgment) -> dict[str, Any]:
    """The columns that keep a judgment. Raises `InvalidJudgmentError`, which names the field."""
    with _naming(f"judgment of {judgment.doc_id!r:.80} for {judgment.query_id!r:.80}"):
        query_id = check_id(judgment.query_id, field="query_id")
        doc_id = check_id(judgment.doc_id, field="doc_id")
        return {
            "digest": _digest([query_id, doc_id]),
            "query_id": query_id,
            "doc_id": doc_id,
            "grade": _check_grade(judgment.grade),
            "split": standard_split(check_optional_id(judgment.split, field="split")),
        }


def encode_pair(pair: Pair) -> dict[str, Any]:
    """The columns that keep a pair. Raises `InvalidJudgmentError`, which names the field."""
    with _naming(f"pair of {pair.query!r:.80}"):
        if pair.positive is None and pair.doc_id is None:
            raise InvalidFieldError("positive", "is missing, and so is doc_id; give one of them")
        if pair.negative is not None and pair.score is not None:
            raise InvalidFieldError("score", "stands beside negative; give one of them")
        said = {
            "query": check_words(pair.query, field="query"),
            "positive": check_optional_words(pair.positive, field="positive"),
            "doc_id": check_optional_id(pair.doc_id, field="doc_id"),
        }
        negative = check_optional_words(pair.negative, field="negative")
        rest = {
            "negative": negative,
            "score": None if pair.score is None else _check_score(pair.score),
            "split": standard_split(check_optional_id(pair.split, field="split")),
        }
        return said | rest | {"digest": _digest(_identity(pair.kind, said, negative))}


def _identity(kind: PairKind, said: dict[str, Any], negative: str | None) -> dict[str, Any]:
    """What tells pairs apart: all texts and the kind, so that a later score replaces the earlier.

    Of a pair that is neither contrast nor scored it is what earlier versions took.
    """
    if kind is PairKind.POSITIVE:
        return said
    return said | {"kind": kind.value, "negative": negative}


def _check_score(score: object) -> float:
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise InvalidFieldError("score", "must be a number from 0 (does not answer) to 1 (does)")
    return float(score) + 0.0  # -0.0 is 0.0


def _check_grade(grade: object) -> int:
    if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= MAX_GRADE:
        raise InvalidFieldError(
            "grade", f"must be an integer from 0 (judged, not relevant) to {MAX_GRADE}"
        )
    return grade


def _digest(content: object) -> bytes:
    return blake2b(orjson.dumps(content), digest_size=16).digest()


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except InvalidFieldError as error:
        raise InvalidJudgmentError(f"{what}: {error}") from None
