"""What a load balancer is told."""

from typing import Literal

from pydantic import BaseModel


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Ready(BaseModel):
    """Can searches be answered here? `problems` says what is wrong, though not to strangers."""

    ready: bool
    problems: list[str]


class Health(BaseModel):
    """How it goes, for a human. `problems` is empty for strangers, once there are keys."""

    status: Literal["ok", "degraded", "unavailable"]
    version: str
    problems: list[str]
