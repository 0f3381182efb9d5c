"""The shapes of text-embeddings-inference (TEI)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from molt.app.http.validation import Strict
from molt.app.routes.openai.schemas import Dimensions, Texts


def _refuse_false(value: bool) -> bool:  # noqa: FBT001  pydantic calls it so
    if not value:
        raise PydanticCustomError("always", "cannot be switched off; leave it out")
    return value


Always = Annotated[bool, AfterValidator(_refuse_false), Field(json_schema_extra={"const": True})]


class EmbedBody(Strict):
    """The body of `POST /embed`. Vectors are always normalised, long texts always cut."""

    inputs: Texts
    normalize: Always = True
    truncate: Always | None = None
    truncation_direction: Literal["Right", "right"] = "Right"
    prompt_name: Literal["query", "document"] | None = None
    dimensions: Dimensions | None = None


class EmbeddingModel(BaseModel):
    """What kind of model is served."""

    embedding: dict[str, str]


class Info(BaseModel):
    """What `GET /info` tells of the model behind the alias `default`."""

    model_id: str
    model_sha: str
    model_dtype: str
    model_type: EmbeddingModel
    max_concurrent_requests: int
    max_input_length: int
    max_client_batch_size: int
    auto_truncate: bool
    version: str
