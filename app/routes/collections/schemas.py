"""What is said about a collection."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from molt.app.http.validation import Strict

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"


class NewCollection(Strict):
    """The body of `POST /collections`."""

    name: str = Field(pattern=NAME_PATTERN, description="1 to 63 of a-z, 0-9, _ and -")


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


class CollectionList(BaseModel):
    """All collections by name."""

    collections: list[CollectionState]
