"""What is sent and said about documents."""

from typing import Any

from pydantic import BaseModel, Field, model_validator

from molt.app.http.texts import Id, Text
from molt.app.http.validation import Strict, limited


class DocumentBody(Strict):
    """A document: an id unique in its collection, a text, optionally a title and metadata.

    The id may be called `_id`, as in files of BEIR.
    """

    id: Id
    title: Text = ""
    text: Text
    metadata: dict[str, Any] = Field(default={}, description="at most 16 levels and 1 MiB")

    @model_validator(mode="before")
    @classmethod
    def _take_id_of_files(cls, value: object) -> object:
        if not isinstance(value, dict) or "_id" not in value or value.get("id") is not None:
            return value
        return {"id": value["_id"]} | {name: value[name] for name in value.keys() - {"id", "_id"}}


class DocumentsBody(Strict):
    """The JSON body of `POST /collections/{collection}/documents`."""

    documents: list[DocumentBody] = Field(
        min_length=1, json_schema_extra=limited(maxItems="max_documents")
    )
    wait: bool = Field(default=True, description="answer when the documents can be searched")


class Acknowledgement(BaseModel):
    """A durable write; `indexed` tells whether searches see it already.

    `truncated` counts documents whose end the model does not read, where there are any and they are
    indexed; of a stream they are not counted.
    """

    accepted: int
    revision: int
    indexed: bool
    truncated: int = 0


class DocumentState(BaseModel):
    """A document and the collection's revision that last changed it."""

    id: str
    title: str
    text: str
    metadata: dict[str, Any]
    revision: int


class DocumentPage(BaseModel):
    """Documents in the order of their ids; `next` is the `after` of the next page, if any."""

    documents: list[DocumentState]
    next: str | None
