"""What is said about a collection."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from molt.app.http.texts import CollectionName, without_nul
from molt.app.http.validation import Strict
from molt.app.routes.search.boosts import BoostBody, Boosts
from molt.index.catalog.fields import MAX_FIELD_CHARS

ExpiryField = Annotated[
    str,
    AfterValidator(without_nul),
    Field(max_length=MAX_FIELD_CHARS, json_schema_extra={"pattern": r"^(?!id$)[^\u0000]*$"}),
]
"""A dotted path; `id` is no metadata."""


class NewCollection(Strict):
    """The body of `POST /collections`."""

    name: CollectionName = Field(description="1 to 63 of a-z, 0-9, _ and -")
    expiry_field: ExpiryField | None = Field(
        None, description="the field of the metadata whose date says when a document expires"
    )


class CollectionChange(Strict):
    """The body of `PATCH /collections/{collection}`."""

    expiry_field: ExpiryField | None = Field(
        default=None,
        description="the field of the metadata whose date says when a document expires; an empty "
        "string lets none expire any more",
    )
    boosts: Boosts | None = Field(
        default=None, description="of searches that name none; an empty list boosts none any more"
    )


class QuarantinedDocument(BaseModel):
    """A document that cannot be encoded: kept, found by no search, and tried again when changed."""

    id: str
    revision: int
    reason: str


class Quarantine(BaseModel):
    """How many documents cannot be encoded, and the first of them."""

    count: int
    documents: list[QuarantinedDocument]


class CollectionState(BaseModel):
    """A collection: its counters, how far its index has come, and what its pointer names.

    While `state` is `loading` or `refused`, searches are answered by what was served before, where
    there is something; `problem` says why what the pointer names is refused. `expired_total`
    documents were deleted because the date in `expiry_field` had passed.
    """

    name: str
    aliases: list[str]
    created_at: datetime
    documents: int
    revision: int
    indexed_revision: int
    generation: str | None
    checkpoint: str | None
    epoch: int
    state: Literal["loading", "serving", "refused"]
    problem: str | None
    quarantine: Quarantine
    expiry_field: str | None
    expired_total: int


class Unreadable(BaseModel):
    """How many documents have something in the field that is no date; the ids of the first."""

    count: int
    documents: list[str]


class ExpiryDetail(BaseModel):
    """When the next document expires, and which never do although they have the field.

    While it is not `complete`, not all documents have been looked at.
    """

    next: datetime | None
    unreadable: Unreadable
    complete: bool


class FieldState(BaseModel):
    """A field of the metadata: in how many documents it has values of each kind.

    A text that is a number or a date counts as that. Where they are `mixed`, a range compares those
    of one kind alone.
    """

    field: str
    kinds: dict[Literal["number", "text", "date", "boolean", "null", "object"], int]
    mixed: bool


class CollectionDetail(CollectionState):
    """A collection with the fields that a filter can name; of very many only the largest ones.

    `expiry` is null where documents do not expire; `warnings` say what keeps them from it.
    """

    fields: list[FieldState]
    expiry: ExpiryDetail | None
    boosts: list[BoostBody]
    warnings: list[str]


class CollectionList(BaseModel):
    """All collections by name."""

    collections: list[CollectionState]
