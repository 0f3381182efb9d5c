"""The JSON Schemas of errors, one for each family of clients that `envelopes` writes for."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Violation(BaseModel):
    """One thing that is wrong: a pointer into the body (RFC 6901), or a parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(BaseModel):
    """RFC 9457. `type` and `title` name the kind, `instance` the request in the log."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Violation] | None = None


class OpenaiDetail(BaseModel):
    """What OpenAI's clients read."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenaiError(BaseModel):
    """OpenAI's envelope."""

    error: OpenaiDetail


class TeiError(BaseModel):
    """The envelope of text-embeddings-inference."""

    error: str
    error_type: Literal["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"]
