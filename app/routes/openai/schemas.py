"""OpenAI's shapes for embeddings and models, and Molt's one extension: `input_type`."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from molt.app.http.failures import TokenArraysError
from molt.app.http.sentences import kind_of
from molt.app.http.texts import Name
from molt.app.http.validation import WHOLE, Strict, limited

_TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}
_MANY = {"type": "array", "minItems": 1, "items": _TEXT, **limited(maxItems="max_inputs")}


def texts_of(value: object) -> list[str]:
    """The texts of an `input`, which is one or a list. Raises as pydantic's validators do.

    Raises `TokenArraysError` where it holds tokens.
    """
    given = value if isinstance(value, list) else [value]
    if not given:
        raise PydanticCustomError("empty", "must hold at least one text")
    return [_text(text, at) for at, text in enumerate(given)]


def _text(text: object, at: int) -> str:
    if isinstance(text, int | list) and not isinstance(text, bool):
        raise TokenArraysError
    if not isinstance(text, str):
        wrong = {"at": at, "kind": kind_of(text)}
        message = "must be a string or a list of strings; text {at} is {kind}"
        raise PydanticCustomError("text", message, wrong)
    if not text or "\0" in text:
        wrong = {"at": at, "what": "holds a NUL character" if text else "is empty"}
        raise PydanticCustomError("text", "text {at} {what}", wrong)
    return text


InputTexts = Annotated[
    list[str], BeforeValidator(texts_of), WithJsonSchema({"anyOf": [_TEXT, _MANY]})
]


Dimensions = Annotated[int, Field(ge=1), WHOLE]


class EmbeddingsBody(Strict):
    """The body of `POST /v1/embeddings`."""

    model: Name = Field(description="a checkpoint's id, a collection's name, or `default`")
    input: InputTexts
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Dimensions | None = Field(
        default=None, description="keep the leading dimensions and normalise again"
    )
    user: str | None = None
    input_type: Literal["query", "document"] = Field(
        default="document", description="which prompt of the model to use; not OpenAI's"
    )


class EmbeddingObject(BaseModel):
    """One vector: numbers, or little-endian float32 in base64."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Usage(BaseModel):
    """Tokens that were encoded."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """One vector per text, in their order; `model` is the checkpoint that made them."""

    object: Literal["list"]
    data: list[EmbeddingObject]
    model: str
    usage: Usage


class ModelObject(BaseModel):
    """A name that `model` may have; `root` is the checkpoint behind it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    root: str
    dimension: int
    max_length: int


class ModelList(BaseModel):
    """Every name that `model` may have."""

    object: Literal["list"]
    data: list[ModelObject]
