"""How an answer explains its hits."""

from typing import Literal

from pydantic import BaseModel, Field

from molt.index.ranking.reranking import RerankKind


class WordPart(BaseModel):
    """What the characters `start` to `end` of the query add."""

    text: str
    start: int
    end: int
    score: float


class PassagePart(WordPart):
    """The same of the document's title or text."""

    field: Literal["title", "text"]


class QuerySide(BaseModel):
    """The score by the query's words; with `special` and `others` they make up all of it."""

    words: list[WordPart]
    special: float = Field(description="of tokens that the model adds")
    others: float = Field(description="of what is not told word by word")


class PassageSide(QuerySide):
    """The score by the words of the passage that add or take most."""

    words: list[PassagePart]  # type: ignore[assignment]


class WordPair(BaseModel):
    """What a word of the query and one of the passage add together."""

    query: str
    passage: str
    score: float


class DenseExplanation(BaseModel):
    """Why a passage is near the query by meaning; `rest` is what served vectors differ by."""

    score: float | None
    method: Literal["exact", "leave_one_out"]
    query: QuerySide
    passage: PassageSide
    pairs: list[WordPair]
    rest: float | None


class WordScore(BaseModel):
    """What a word adds by BM25, and in how many rows of the index it is."""

    text: str
    field: str | None
    rows: int
    score: float


class LexicalExplanation(BaseModel):
    """What each word of the query adds; no document could score more than `ceiling`."""

    score: float | None
    ceiling: float
    words: list[WordScore]
    rest: float | None


class RerankExplanation(BaseModel):
    """What looked at the hit again, and the score that it gave.

    `model` is the checkpoint of a cross-encoder, whose score is a log-odd.
    """

    kind: RerankKind
    model: str | None
    score: float


class HitExplanation(BaseModel):
    """Why a hit is where it is: the `parts` of its score add up to it."""

    parts: dict[str, float]
    dense: DenseExplanation | None
    lexical: LexicalExplanation | None
    rerank: RerankExplanation | None
