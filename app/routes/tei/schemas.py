"""The shapes of text-embeddings-inference (TEI)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from molt.app.http.sentences import kind_of
from molt.app.http.texts import without_nul
from molt.app.http.validation import WHOLE, Strict, limited
from molt.app.routes.openai.schemas import Dimensions, InputTexts
from molt.app.routes.purposes import Purpose

TokenId = Annotated[int, Field(ge=0, lt=2**32), WHOLE]
Direction = Literal["Right", "right", "Left", "left"]


def _each(value: object) -> object:
    if not value:
        raise PydanticCustomError("empty", "must hold at least one list of ids")
    if not isinstance(value, list):
        wrong = {"kind": kind_of(value)}
        raise PydanticCustomError("ids", "must be a list of whole numbers, not {kind}", wrong)
    return value if isinstance(value[0], list) else [value]


def _single(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("text", "must be a text that is not empty")
    return without_nul(value)


_SINGLE = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}
_IDS = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**32},
}
_MANY_IDS = {"type": "array", "minItems": 1, "items": _IDS, **limited(maxItems="max_inputs")}
Ids = Annotated[
    list[Annotated[list[TokenId], Field(min_length=1)]],
    BeforeValidator(_each),
    WithJsonSchema({"anyOf": [_IDS, _MANY_IDS]}),
]
"""Tokens of one text or of several."""
Single = Annotated[str, BeforeValidator(_single), WithJsonSchema(_SINGLE)]


class Reading(Strict):
    """How texts are read. What is left out or null is as the defaults say."""

    truncate: bool | None = Field(
        default=None, description="by default true; false refuses a text that would be cut"
    )
    truncation_direction: Direction | None = Field(
        default=None, description="`Right`; with `Left` a text that would be cut is refused"
    )
    prompt_name: Purpose | None = Field(default=None, description="`document` by default")

    @property
    def whole(self) -> bool:
        """Is a text to be refused rather than cut?"""
        return self.truncate is False or str(self.truncation_direction).lower() == "left"


class EmbedAllBody(Reading):
    """The body of `POST /embed_all`."""

    inputs: InputTexts


class EmbedBody(EmbedAllBody):
    """The body of `POST /embed`. Vectors have length 1, whatever `normalize` says."""

    normalize: bool | None = None
    dimensions: Dimensions | None = None
    encoding_format: Literal["float"] | None = None


class SimilarityInputs(Strict):
    """A text, and those that it is compared with."""

    source_sentence: Single
    sentences: InputTexts


class SimilarityBody(Strict):
    """The body of `POST /similarity`."""

    inputs: SimilarityInputs
    parameters: Reading | None = None


class TokenizeBody(Strict):
    """The body of `POST /tokenize`."""

    inputs: InputTexts
    add_special_tokens: bool | None = Field(default=None, description="by default true")
    prompt_name: Purpose | None = Field(
        default=None, description="whose prompt goes before the text; by default none"
    )


class DecodeBody(Strict):
    """The body of `POST /decode`."""

    ids: Ids
    skip_special_tokens: bool | None = Field(default=None, description="by default true")


class SimpleToken(BaseModel):
    """A token and the characters of its text that it stands for; a special one stands for none."""

    id: int
    text: str
    special: bool
    start: int | None
    stop: int | None


class EmbeddingModel(BaseModel):
    """What kind of model is served."""

    embedding: dict[str, str]


class Info(BaseModel):
    """What `GET /info` tells of the model behind the alias `default`."""

    model_id: str
    model_sha: str
    model_dtype: str
    model_type: EmbeddingModel
    served_model_name: str
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: Any = None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str
    sha: str | None = None
    docker_label: str | None = None
