"""What is sent and said about documents."""

from typing import Any

from pydantic import BaseModel, Field, model_validator

from molt.app.http.texts import Id, Text
from molt.app.http.validation import Strict, limited, named_as_in_files
from molt.app.routes.search.schemas import FilterBody
from molt.index.files.columns import IDS


class DocumentBody(Strict):
    """A document: an id unique in its collection, a text, optionally a title and metadata.

    The id may be called as in files: `_id`, `doc_id` and so on.
    """

    id: Id
    title: Text = ""
    text: Text
    metadata: dict[str, Any] = Field(default={}, description="at most 16 levels and 1 MiB")

    @model_validator(mode="before")
    @classmethod
    def _take_id_of_files(cls, value: object) -> object:
        return named_as_in_files(value, {"id": IDS})


class DocumentsBody(Strict):
    """The JSON body of `POST /collections/{collection}/documents`."""

    documents: list[DocumentBody] = Field(
        min_length=1, json_schema_extra=limited(maxItems="max_documents")
    )
    wait: bool = Field(default=True, description="answer when the documents can be searched")


class PutBody(Strict):
    """A document whose id is in the path; where it is in the body too, it is the same."""

    id: Id | None = None
    title: Text | None = None
    text: Text
    metadata: dict[str, Any] | None = Field(default=None, description="at most 16 levels and 1 MiB")


class ChangeBody(Strict):
    """What shall change of one document; what is left out or null stays as it is."""

    metadata: dict[str, Any] | None = Field(
        default=None, description="merged into what there is (RFC 7396): null removes a field"
    )
    title: Text | None = None
    text: Text | None = None


class PatchBody(ChangeBody):
    """What shall change of the document of an id."""

    id: Id


class PatchesBody(Strict):
    """The JSON body of `PATCH /collections/{collection}/documents`."""

    documents: list[PatchBody] = Field(
        min_length=1, json_schema_extra=limited(maxItems="max_documents")
    )
    wait: bool = Field(default=True, description="answer when searches see the changes")


class IdsBody(Strict):
    """Which documents are meant."""

    ids: list[Id] = Field(min_length=1, json_schema_extra=limited(maxItems="max_documents"))


class DeleteBody(Strict):
    """Which documents shall be deleted: those of `ids`, or those that a filter keeps."""

    ids: list[Id] | None = Field(
        default=None, min_length=1, json_schema_extra=limited(maxItems="max_documents")
    )
    filter: FilterBody | None = None


class Acknowledgement(BaseModel):
    """A durable write; `indexed` tells whether searches see it already.

    `truncated` counts documents whose end the model does not read, where there are any and their
    being indexed was waited for.
    """

    accepted: int
    revision: int
    indexed: bool
    truncated: int = 0


class PatchAcknowledgement(Acknowledgement):
    """A durable change of the documents that there are.

    `missing` names ids of which there is none, at most 1000 of `missing_count`.
    """

    missing: list[str]
    missing_count: int


class DeleteAcknowledgement(Acknowledgement):
    """A durable deletion; `missing` names the ids of which there was no document."""

    deleted: int
    missing: list[str]


class DocumentState(BaseModel):
    """A document and the collection's revision that last changed it."""

    id: str
    title: str
    text: str
    metadata: dict[str, Any]
    revision: int


class DocumentDetail(DocumentState):
    """A document; `truncated` where the model that serves does not read it to its end."""

    truncated: bool


class DocumentPage(BaseModel):
    """Documents in the order of their ids; `next` is the `after` of the next page, if any."""

    documents: list[DocumentState]
    next: str | None


class DocumentChoice(BaseModel):
    """Documents in the order in which they were asked for.

    Of `missing` there is none; those `left_out` would have made the answer too large.
    """

    documents: list[DocumentState]
    missing: list[str]
    left_out: list[str]
