"""What a search asks for, and what it gets."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from molt.app.http.texts import Id, Name, Words
from molt.app.http.validation import WHOLE, Strict, limited
from molt.app.routes.search.boosts import Boosts
from molt.app.routes.search.explanations import HitExplanation
from molt.app.routes.search.highlights import AnswerShown, HighlightField, HighlightPlace
from molt.app.routes.search.matches import (
    CountedValue,
    Facets,
    FieldName,
    FieldNames,
    ShownGroup,
    Sort,
)
from molt.app.routes.search.reranking import RerankField, RerankParameters, SearchMethod
from molt.engine.search.answer import ALL_PARTS, DocumentPart
from molt.engine.search.cursor import MAX_CURSOR_CHARS
from molt.engine.search.query import Mode

Offset = Annotated[int, Field(ge=0, json_schema_extra=limited(maximum="max_window")), WHOLE]
Count = Annotated[int, Field(ge=1, json_schema_extra=limited(maximum="max_k")), WHOLE]
CursorText = Annotated[
    str,
    Field(
        max_length=MAX_CURSOR_CHARS, description="of the answer before; goes on after its last hit"
    ),
]
ClientId = Annotated[
    Id, Field(description="who asks, as in events; an experiment shows them the same again")
]
FilterBody = Annotated[dict[str, Any], WithJsonSchema({"$ref": "#/components/schemas/Filter"})]

MOST_LIKED = 100
"""Documents that hits may be like in one search."""


class LikeBody(Strict):
    """What hits are to be like, in place of a query: documents by their ids, or a text."""

    id: Id | None = None
    ids: list[Id] | None = Field(default=None, min_length=1, max_length=MOST_LIKED)
    text: Words | None = Field(default=None, description="compared as a document is")


class SearchBody(Strict):
    """The body of `POST /search`: either `query` or `like`."""

    query: Words | None = None
    collection: Name = "default"
    k: Count = 10
    offset: Offset = 0
    mode: Mode = "hybrid"
    filter: FilterBody | None = None
    facets: Facets = Field(default=[])
    sort: Sort = Field(default=[])
    group_by: FieldName | None = None
    like: LikeBody | None = None
    boosts: Boosts | None = None
    highlight: HighlightField = None
    answer: bool = False
    explain: bool = False
    rerank: RerankField = None
    min_score: float | None = None
    cursor: CursorText | None = None
    client_id: ClientId | None = None
    include: list[DocumentPart] = Field(default=list(ALL_PARTS), max_length=3)


_ANY = [{"$ref": "#/components/schemas/SearchBody"}, {"type": "object"}]
AnySearch = Annotated[dict[str, Any], WithJsonSchema({"anyOf": _ANY})]
"""A search as it was sent: it is looked at by itself, so that a wrong one spoils no other."""


class BatchBody(Strict):
    """The body of `POST /search/batch`."""

    searches: Annotated[
        list[AnySearch], Field(min_length=1, json_schema_extra=limited(maxItems="max_searches"))
    ]


class SearchParameters(RerankParameters):
    """The query string of `GET /search`: either `q` or `like`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    q: Words | None = None
    collection: Name = "default"
    k: Count = 10
    offset: Offset = 0
    mode: Mode = "hybrid"
    facets: FieldNames = Field(default=[], json_schema_extra=limited(maxItems="max_facets"))
    sort: FieldNames = Field(
        default=[], description="a field each, with `:desc` for falling values"
    )
    group_by: FieldName | None = None
    like: list[Id] = Field(
        default=[],
        max_length=MOST_LIKED,
        description="ids of documents that hits are to be like, in place of `q`",
    )
    min_score: float | None = None
    cursor: CursorText | None = None
    client_id: ClientId | None = None
    include: list[DocumentPart] = Field(default=list(ALL_PARTS), max_length=3)
    highlight: bool = False
    answer: bool = False
    explain: bool = False


class Total(BaseModel):
    """How many documents match; `gte` where they were not all counted."""

    value: int
    relation: Literal["eq", "gte"]


class Scores(BaseModel):
    """The parts of a hit's score."""

    dense: float | None
    lexical: float | None
    rerank: float | None
    boost: float | None = Field(default=None, description="there where `boosts` were asked for")


class PassageSpan(BaseModel):
    """The characters of the document's text that answer best."""

    start: int
    end: int


class FoundDocument(BaseModel):
    """A hit. `title`, `text` and `metadata` are there where `include` names them."""

    id: str
    score: float
    rank: int
    title: str = ""
    text: str = ""
    metadata: dict[str, Any] = {}
    highlights: list[str] = Field(description="fragments with marks; there where asked for")
    scores: Scores
    passage: PassageSpan
    group: ShownGroup | None
    explanation: HitExplanation | None
    pinned: bool = Field(default=False, description="there where a curation put it first")
    arm: Literal["a", "b"] | None = Field(
        default=None, description="of the experiment that has drawn it; there in such an answer"
    )
    highlighted: list[HighlightPlace] = Field(
        default=[], description="where each of `highlights` stands; there where asked for"
    )


class SearchResult(BaseModel):
    """The answer to a search, from exactly one encoder and one index.

    `truncated` where the model did not read the query to its end.
    """

    query_id: str
    took_ms: float
    generation: str | None
    checkpoint: str
    total: Total
    hits: list[FoundDocument]
    answer: AnswerShown | None = Field(
        description="of the best hits; null where none is likely enough, or it was not asked for"
    )
    facets: dict[str, list[CountedValue]]
    truncated: bool
    cursor: str | None
    warnings: list[str]
    search: SearchMethod


class BatchEntry(BaseModel):
    """The answer to one search of a batch, or the problem that kept it from one."""

    answer: SearchResult | None
    problem: Annotated[
        dict[str, Any] | None,
        WithJsonSchema({"anyOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]}),
    ]


class BatchResult(BaseModel):
    """What came of each search, in the order in which they were sent."""

    results: list[BatchEntry]
