"""What is sent about relevance."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from molt.app.http.texts import Id, PairId, PassageText, Words
from molt.app.http.validation import WHOLE, Strict, limited, named_as_in_files
from molt.index.catalog.judgments import MAX_GRADE
from molt.index.files.row import GRADES, JUDGED_DOCUMENTS, JUDGED_QUERIES, QUERY_IDS


class QueryBody(Strict):
    """A query that judgments name by its id, which may be called as in files: `_id` and so on."""

    id: Id
    text: Words
    metadata: dict[str, Any] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _take_id_of_files(cls, value: object) -> object:
        return named_as_in_files(value, {"id": QUERY_IDS})


class JudgmentBody(Strict):
    """How relevant a document is to a query: 0 is judged and not relevant.

    All may be called as in files: `query-id`, `corpus-id`, `score` and so on.
    """

    query_id: Id
    doc_id: Id
    grade: Annotated[int, Field(ge=0, le=MAX_GRADE), WHOLE]
    split: Id | None = Field(default=None, description="train, dev or test, as BEIR names them")

    @model_validator(mode="before")
    @classmethod
    def _take_names_of_files(cls, value: object) -> object:
        names = {"query_id": JUDGED_QUERIES, "doc_id": JUDGED_DOCUMENTS, "grade": GRADES}
        return named_as_in_files(value, names)


class PairBody(Strict):
    """A query with a text that answers it, the document that does, or both.

    With `negative`, a text that does not answer; or with `score`, how well `positive` answers.
    """

    query: Words
    positive: PassageText | None = None
    doc_id: Id | None = None
    negative: PassageText | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    split: Id | None = Field(default=None, description="train, dev or test")


class JudgmentsBody(Strict):
    """The body of `POST /collections/{collection}/judgments`; documents may follow later."""

    queries: list[QueryBody] = Field(
        default=[], json_schema_extra=limited(maxItems="max_documents")
    )
    judgments: list[JudgmentBody] = Field(
        default=[], json_schema_extra=limited(maxItems="max_documents")
    )
    pairs: list[PairBody] = Field(default=[], json_schema_extra=limited(maxItems="max_documents"))
    split: Id | None = Field(
        default=None, description="the split of those judgments and pairs that name none"
    )


class Kept(BaseModel):
    """How much of a request was kept, and how much there is now."""

    accepted: int
    queries: int
    judgments: int
    pairs: int


class JudgmentPage(BaseModel):
    """Judgments by query id and document id; `next` is the `after` of the next page, if any."""

    judgments: list[JudgmentBody]
    next: str | None


class QueryPage(BaseModel):
    """Queries in the order of their ids; `next` is the `after` of the next page, if any."""

    queries: list[QueryBody]
    next: str | None


class SplitCount(BaseModel):
    """How many judgments a split has; null stands for those without one."""

    split: str | None
    judgments: int


class KeptPairBody(PairBody):
    """A pair, and the id that it is deleted by."""

    id: PairId


class PairPage(BaseModel):
    """Pairs in the order of their ids; `next` is the `after` of the next page, if any."""

    pairs: list[KeptPairBody]
    next: str | None


class DeletedPairs(BaseModel):
    """How many pairs there were."""

    deleted: int


class PairCounts(BaseModel):
    """Pairs by what they say."""

    positive: int
    contrast: int
    scored: int


class RelevanceCounts(BaseModel):
    """What is kept; `unknown_…` count judgments of queries and documents that are not there."""

    queries: int
    judgments: int
    pairs: int
    pair_kinds: PairCounts
    splits: list[SplitCount]
    unknown_queries: int
    unknown_documents: int


class DeletedJudgments(BaseModel):
    """How many judgments there were."""

    deleted: int


class DeletedQueries(BaseModel):
    """How many queries there were, and judgments of them."""

    deleted: int
    judgments: int
