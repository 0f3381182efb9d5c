"""The shapes of re-ranking: Cohere's, with what Jina's and Voyage's clients send, and TEI's."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic import model_validator as checked
from pydantic_core import PydanticCustomError

from molt.app.http.sentences import kind_of
from molt.app.http.texts import Name, Words
from molt.app.http.validation import WHOLE, Strict, limited
from molt.app.routes.openai.schemas import Cut, InputTexts
from molt.app.routes.tei.schemas import Direction
from molt.index.catalog.aliases import DEFAULT

_TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}
_OBJECT = {"type": "object", "properties": {"text": _TEXT}, "required": ["text"]}
_DOCUMENTS = {
    "type": "array",
    "minItems": 1,
    "items": {"anyOf": [_TEXT, _OBJECT]},
    **limited(maxItems="max_inputs"),
}


def _listed(value: object) -> object:
    if not isinstance(value, list):
        wrong = {"kind": kind_of(value)}
        raise PydanticCustomError("documents", "must be a list of texts, not {kind}", wrong)
    if not value:
        raise PydanticCustomError("empty", "must hold at least one text")
    return value


RankedDocuments = Annotated[list[Any], BeforeValidator(_listed), WithJsonSchema(_DOCUMENTS)]
Top = Annotated[int, Field(ge=1), WHOLE]


class RerankDocumentsBody(Strict):
    """The body of `POST /v1/rerank`: Cohere's, Jina's and Voyage's."""

    model: Name = Field(
        default=DEFAULT,
        description="as of `POST /v1/embeddings`, or a cross-encoder; `default` by default",
    )
    query: Words
    documents: RankedDocuments = Field(description="texts, or objects that hold a `text`")
    top_n: Top | None = Field(default=None, description="how many results; all by default")
    top_k: Top | None = Field(default=None, description="the same, as Voyage calls it")
    return_documents: bool = Field(default=False, description="whether results hold the documents")
    rank_fields: list[Name] = Field(
        default=["text"], min_length=1, max_length=32, description="what is read of an object"
    )
    truncate: Cut | None = Field(
        default=None, description="`NONE`: refuse a text that the model would not read to its end"
    )
    truncation: bool | None = Field(default=None, description="the same, as Voyage calls it")

    @checked(mode="after")
    def _can_be_read(self) -> Self:
        """Raise for a document without a text, by its place."""
        for at, document in enumerate(self.documents):
            if (problem := self._problem(document)) is not None:
                wrong = {"at": at, "problem": problem}
                raise PydanticCustomError("document", "document {at} {problem}", wrong)
        return self

    @property
    def texts(self) -> list[str]:
        """What is read of each document."""
        return [self._read(one) for one in self.documents]

    @property
    def top(self) -> int | None:
        """How many results are wanted."""
        return self.top_n or self.top_k

    @property
    def whole(self) -> bool:
        """Is a text to be refused rather than cut?"""
        return self.truncation is False or self.truncate is False

    def _read(self, document: Any) -> str:
        if isinstance(document, str):
            return document
        read = (document.get(name) for name in self.rank_fields)
        return " ".join(text for text in read if text is not None)

    def _problem(self, document: object) -> str | None:
        if not isinstance(document, str | dict):
            return f"must be a text or an object, not {kind_of(document)}"
        values = (
            [document] if isinstance(document, str) else list(map(document.get, self.rank_fields))
        )
        if not all(isinstance(value, str | None) for value in values):
            return "has a field to read that is no text"
        text = self._read(document)
        if not text:
            return "is empty" if isinstance(document, str) else "has no text in its `rank_fields`"
        return "holds a NUL character" if "\0" in text else None


class RankedText(BaseModel):
    """What was ranked."""

    text: str


class RankedResult(BaseModel):
    """A document by its place in the request, from 0 on, and how relevant it is, from 0 to 1."""

    index: int
    relevance_score: float
    document: RankedText | dict[str, Any] | None = None
    truncated: bool = False


class RerankUsage(BaseModel):
    """Tokens that were read."""

    prompt_tokens: int
    total_tokens: int


class RankedList(BaseModel):
    """The most relevant documents first; `model` is the checkpoint that compared them."""

    id: str
    object: str
    model: str
    results: list[RankedResult]
    usage: RerankUsage
    meta: dict[str, Any]


class RerankTextsBody(Strict):
    """The body of TEI's `POST /rerank`; `model` is more than TEI takes."""

    model: Name = Field(default=DEFAULT, description="as of `POST /v1/rerank`")
    query: Words
    texts: InputTexts
    raw_scores: bool = Field(default=False, description="log-odds in place of 0 to 1")
    return_text: bool = False
    truncate: bool | None = Field(
        default=None, description="by default true; false refuses a text that would be cut"
    )
    truncation_direction: Direction | None = None

    @property
    def whole(self) -> bool:
        """Is a text to be refused rather than cut?"""
        return self.truncate is False or str(self.truncation_direction).lower() == "left"


class ScoredText(BaseModel):
    """A text by its place in the request, and its score; higher is better."""

    index: int
    score: float
    text: str | None = None
