"""Events of users in the User Behavior Insights schema (UBI 1.3)."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from molt.app.http.texts import Id
from molt.app.http.validation import WHOLE


class UbiObject(BaseModel):
    """What the user acted on; `object_id` is a document's id."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")

    object_id: Id | None = None


class UbiPosition(BaseModel):
    """Where it stood among the results."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")

    ordinal: Annotated[int, Field(ge=0, lt=2**31), WHOLE] | None = None


class UbiAttributes(BaseModel):
    """UBI leaves this open; Molt learns from `object` and `position`."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")

    object: UbiObject | None = None
    position: UbiPosition | None = None


class EventBody(BaseModel):
    """One action of a user. What Molt does not know is kept as it came."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")

    action_name: Id = Field(description="such as `click` or `impression`")
    query_id: Id | None = Field(default=None, description="as `/search` answered it")
    user_id: Id | None = None
    session_id: Id | None = None
    client_id: Id | None = None
    timestamp: str | None = Field(
        default=None, json_schema_extra={"format": "date-time"}, description="by default now"
    )
    event_attributes: UbiAttributes | None = None


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


_EVENT = {"$ref": "#/components/schemas/EventBody"}
EventList = Annotated[
    list[EventBody],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [_EVENT, {"type": "array", "items": _EVENT}]}),
]
"""One event, or a list of them."""


class Accepted(BaseModel):
    """How many events were kept."""

    accepted: int
