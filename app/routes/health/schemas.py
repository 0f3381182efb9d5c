"""What a load balancer is told."""

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Ready(BaseModel):
    """May traffic be sent here? `problems` says what is wrong; some do not stop the service."""

    ready: bool
    problems: list[str]


class Health(BaseModel):
    """How it goes, for a human."""

    status: Literal["ok", "degraded", "unavailable"]
    version: str
    problems: list[str]
