"""What a curation is over HTTP."""

from typing import Annotated

from pydantic import BaseModel, Field

from molt.app.http.texts import Id, Words
from molt.app.http.validation import Strict
from molt.index.catalog.judging.curations import MOST_CURATED

_Ids = Annotated[list[Id], Field(max_length=MOST_CURATED)]


class NewCuration(Strict):
    """The body of `PUT /collections/{collection}/curations`."""

    query: Words = Field(description="for which it holds, however it is spaced and capitalised")
    pinned: _Ids = Field(default=[], description="documents that come first, in this order")
    hidden: _Ids = Field(default=[], description="documents that do not come")


class CurationState(BaseModel):
    """Which documents come first for a query, and which do not come; the query is normalised."""

    query: str
    pinned: list[str]
    hidden: list[str]


class CurationList(BaseModel):
    """Every curation of a collection, by query."""

    curations: list[CurationState]
