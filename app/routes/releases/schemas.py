"""What is said about a pointer that was moved."""

from pydantic import BaseModel, Field

from molt.app.http.texts import Remark
from molt.app.http.validation import Strict
from molt.app.routes.jobs.schemas import CollectionName


class Activate(Strict):
    """The body of `POST /admin/activate`."""

    generation: str = Field(pattern="^[0-9a-f]{32}$", description="id of a generation")
    reason: Remark | None = Field(None, description="why; kept in the release history")


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
