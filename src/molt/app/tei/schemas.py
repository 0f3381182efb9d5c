"""The shapes of text-embeddings-inference (TEI)."""

from typing import Literal

from pydantic import BaseModel, Field

from molt.app.openai.schemas import Texts
from molt.app.validation import Strict


class EmbedBody(Strict):
    """The body of `POST /embed`. Vectors are always normalised, long texts always cut."""

    inputs: Texts
    normalize: Literal[True] = True
    truncate: Literal[True] | None = None
    truncation_direction: Literal["Right", "right"] = "Right"
    prompt_name: Literal["query", "document"] | None = None
    dimensions: int | None = Field(default=None, ge=1)


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
