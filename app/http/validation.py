"""Validation: what pydantic found wrong, said to a client; and the limits that settings hold.

Never repeats a value that was sent: it may be huge, secret, or impossible to write as JSON.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from molt.app.http.failures import InvalidRequestError, Violation
from molt.engine.settings import LimitSettings

MAX_VIOLATIONS = 20

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """What a client sends: no unknown keys, no silent conversions, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Takes an integer that is written 10.0 too: JSON knows no difference."""


def violations_of(errors: Sequence[Any]) -> tuple[Violation, ...]:
    """The first errors of pydantic or FastAPI, whose places begin with their source."""
    return tuple(
        Violation(_sentence(error), str(error["loc"][0]), tuple(error["loc"][1:]))
        for error in errors[:MAX_VIOLATIONS]
    )


def validate(model: type[Model], value: object) -> Model:
    """A model from parsed JSON. Raises `InvalidRequestError`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        for entry in found:
            entry["loc"] = ("body", *entry["loc"])
        raise InvalidRequestError(violations_of(found)) from None


def limited(**limits: str) -> dict[str, Any]:
    """For `json_schema_extra`: JSON Schema keywords whose values are settings."""
    return {f"x-limit-{keyword}": name for keyword, name in limits.items()}


def require(value: int, limits: LimitSettings, name: str, *, place: tuple[str | int, ...]) -> None:
    """Raise `InvalidRequestError` where a count or length exceeds the setting `limits.<name>`."""
    limit = getattr(limits, name)
    if value > limit:
        detail = f"{value} is more than the {limit} that the setting limits.{name} allows"
        raise InvalidRequestError([Violation(detail, "body", place)])


def _sentence(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a known name"
    message: str = error["msg"]
    return message[:500]
