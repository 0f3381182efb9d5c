"""What is said about a pointer that was moved."""

from pydantic import BaseModel, Field

from molt.app.http.texts import CollectionName, Name, Remark
from molt.app.http.validation import Strict


class Activate(Strict):
    """The body of `POST /admin/activate`."""

    generation: Name = Field(
        description="id of a generation, how it alone begins, or the name of a release"
    )
    reason: Remark | None = Field(None, description="why; kept in the release history")


class ReleaseName(Strict):
    """The body of `POST /admin/releases/name`."""

    collection: CollectionName = "default"
    epoch: int = Field(ge=0, lt=2**53, description="which the release made")
    name: Name | None = Field(None, description="what to call it; null takes the name back")


class Rollback(Strict):
    """The body of `POST /admin/rollback`."""

    collection: CollectionName = "default"
    reason: Remark | None = Field(None, description="why; kept in the release history")


class ActiveRelease(BaseModel):
    """What a collection is served from now."""

    collection: str
    generation: str
    checkpoint: str
    previous: str | None = Field(description="the generation that it was served from before")
    epoch: int = Field(description="how often the pointer has been moved")
