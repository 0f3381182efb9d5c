"""What is said of the audit log."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class AuditLine(BaseModel):
    """An attempt to administer something."""

    id: int
    at: datetime
    actor: str = Field(description="the name of a key; `local` or `cli:…` at the machine itself")
    key: int | None = Field(description="the key's id; null for whoever needed none")
    action: str = Field(description="the route, or the command")
    target: str = Field(description="what it named")
    outcome: Literal["done", "failed", "refused"]
    detail: str = Field(description="why it failed or was refused")


class AuditPage(BaseModel):
    """Entries, newest first, and the cursor of the page that follows."""

    entries: list[AuditLine]
    cursor: str | None
