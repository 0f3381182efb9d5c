"""What is said about a collection."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from molt.app.http.validation import Strict

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"


class NewCollection(Strict):
    """The body of `POST /collections`."""

    name: str = Field(pattern=NAME_PATTERN, description="1 to 63 of a-z, 0-9, _ and -")


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
    there is something; `problem` says why what the pointer names is refused.
    """

    name: str
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


class FieldState(BaseModel):
    """A field of the metadata: in how many documents it has values of each kind.

    A text that is a number or a date counts as that. Where they are `mixed`, a range compares those
    of one kind alone.
    """

    field: str
    kinds: dict[Literal["number", "text", "date", "boolean", "null", "object"], int]
    mixed: bool


class CollectionDetail(CollectionState):
    """A collection with the fields that a filter can name; of very many only the largest ones."""

    fields: list[FieldState]


class CollectionList(BaseModel):
    """All collections by name."""

    collections: list[CollectionState]
