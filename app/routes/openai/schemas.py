"""OpenAI's shapes for embeddings and models, and what other providers' clients send beside them."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic import model_validator as checked
from pydantic_core import PydanticCustomError

from molt.app.http.failures import TokenArraysError
from molt.app.http.sentences import kind_of
from molt.app.http.texts import Name
from molt.app.http.validation import WHOLE, Strict, limited
from molt.app.routes.purposes import Purpose
from molt.encoder.encoder import InputType
from molt.encoder.kind import ModelKind

_T = TypeVar("_T")
_TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}
_MANY = {"type": "array", "minItems": 1, "items": _TEXT, **limited(maxItems="max_inputs")}


def texts_of(value: object) -> list[str]:
    """The texts of an `input`, which is one or a list. Raises as pydantic's validators do.

    Raises `TokenArraysError` where it holds tokens.
    """
    if isinstance(value, dict | bool):
        wrong = {"kind": kind_of(value)}
        raise PydanticCustomError(
            "texts", "must be a string or a list of strings, not {kind}", wrong
        )
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


def _only_true(value: bool) -> bool:  # noqa: FBT001  pydantic calls it so
    if not value:
        raise PydanticCustomError("always", "can only be true: it is always done")
    return value


def _only_false(value: bool) -> bool:  # noqa: FBT001
    if value:
        raise PydanticCustomError("never", "can only be false: it is not done here")
    return value


def _is_cut(value: object) -> bool:
    if isinstance(value, str):
        value = {"none": False, "end": True}.get(value.lower())
    if not isinstance(value, bool):
        raise PydanticCustomError(
            "truncate", "must be `END` or `NONE`, or a boolean: what is cut is the end of a text"
        )
    return value


InputTexts = Annotated[
    list[str], BeforeValidator(texts_of), WithJsonSchema({"anyOf": [_TEXT, _MANY]})
]
Dimensions = Annotated[int, Field(ge=1), WHOLE]
Encoding = Literal["float", "base64"]
Always = Annotated[bool, AfterValidator(_only_true), Field(json_schema_extra={"const": True})]
Unsupported = Annotated[
    bool, AfterValidator(_only_false), Field(json_schema_extra={"const": False})
]


Cut = Annotated[
    bool,
    BeforeValidator(_is_cut),
    WithJsonSchema({"enum": ["END", "NONE", "end", "none", True, False]}),
]
"""May the end of a text be cut that is longer than the model reads?"""


class DeploymentBody(Strict):
    """The body of an embeddings request whose path names the model.

    `input_type`, `task` and `truncation` and all after them are of other providers than OpenAI.
    """

    model: Name | None = Field(default=None, description="left to the path")
    input: InputTexts
    encoding_format: Encoding | None = Field(default=None, description="`float` by default")
    dimensions: Dimensions | None = Field(
        default=None, description="keep the leading dimensions and normalise again"
    )
    user: str | None = Field(default=None, description="changes nothing")
    input_type: Purpose | None = Field(
        default=None, description="which prompt of the model to use; `document` by default"
    )
    task: Purpose | None = Field(default=None, description="the same, as Jina calls it")
    truncate: Cut | None = Field(
        default=None, description="`NONE`: refuse a text that the model would not read to its end"
    )
    truncation: bool | None = Field(default=None, description="the same, as Voyage calls it")
    output_dimension: Dimensions | None = Field(
        default=None, description="`dimensions`, as Voyage calls it"
    )
    output_dtype: Literal["float"] | None = None
    embedding_type: Encoding | None = Field(
        default=None, description="`encoding_format`, as Jina calls it"
    )
    normalized: Always | None = None
    late_chunking: Unsupported | None = None
    return_multivector: Unsupported | None = None
    modality: Literal["text"] | None = None

    @checked(mode="after")
    def _agrees(self) -> Self:
        _either("input_type", self.input_type, "task", self.task)
        _either("dimensions", self.dimensions, "output_dimension", self.output_dimension)
        _either("encoding_format", self.encoding_format, "embedding_type", self.embedding_type)
        return self

    @property
    def purpose(self) -> InputType:
        """What the texts are."""
        return self.input_type or self.task or InputType.DOCUMENT

    @property
    def encoding(self) -> Encoding:
        """How vectors are to be written."""
        return self.encoding_format or self.embedding_type or "float"

    @property
    def whole(self) -> bool:
        """Is a text to be refused rather than cut?"""
        return self.truncation is False or self.truncate is False


class EmbeddingsBody(DeploymentBody):
    """The body of `POST /v1/embeddings`."""

    model: Name = Field(
        description="a checkpoint's id or name, a collection's, `default`, an alias, or that of "
        "the model that a checkpoint was made of"
    )


def _either(name: str, value: _T | None, other_name: str, other: _T | None) -> None:
    if value is not None and other is not None and value != other:
        names = {"name": name, "other": other_name}
        raise PydanticCustomError(
            "both", "has {name} and {other}, and they differ; send one of them", names
        )


class EmbeddingObject(BaseModel):
    """One vector: numbers, or little-endian float32 in base64.

    `truncated` is there, and true, where the model did not read its text to the end.
    """

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str
    truncated: bool = False


class Usage(BaseModel):
    """Tokens that were encoded."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    """One vector per text, in their order; `model` is the checkpoint that made them.

    `truncated` where the model did not read every text to its end.
    """

    object: Literal["list"]
    data: list[EmbeddingObject]
    model: str
    usage: Usage
    truncated: bool


class ModelObject(BaseModel):
    """A name that `model` may have; `root` is the checkpoint behind it, and `kind` what it is.

    A `cross-encoder` re-ranks, and makes no embeddings.
    """

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    root: str
    kind: ModelKind
    dimension: int
    max_length: int


class ModelList(BaseModel):
    """Every name that `model` may have."""

    object: Literal["list"]
    data: list[ModelObject]
