"""What an alias of a model or a collection is."""

from typing import Literal

from pydantic import BaseModel, Field

from molt.app.http.texts import CollectionName, Id
from molt.app.http.validation import Strict


class NewAlias(Strict):
    """The body of `PUT /aliases/{name}`."""

    model: Id | None = Field(
        default=None, description="`default`, a collection's name or a checkpoint's id"
    )
    collection: CollectionName | None = Field(
        default=None, description="a collection, in place of `model`"
    )


class AliasState(BaseModel):
    """Another name for a model: what it stands for, and where that is written."""

    name: str
    model: str
    source: Literal["settings", "catalog", "built-in"]


class AliasList(BaseModel):
    """Every alias, by name."""

    aliases: list[AliasState]
