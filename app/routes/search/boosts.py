"""Boosts as they are asked for over HTTP."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from molt.app.http.texts import without_nul
from molt.app.http.validation import Strict
from molt.engine.search.boosting import AgeBoost, Boost, NumberBoost
from molt.index.segments.scalar import MAX_FIELD_LENGTH, own_field

MOST_BOOSTS = 8
_Field = Annotated[
    str,
    AfterValidator(without_nul),
    Field(
        min_length=1, max_length=MAX_FIELD_LENGTH, json_schema_extra={"pattern": r"^[^\u0000]+$"}
    ),
]
_Above = Annotated[float, Field(ge=1e-9, le=1e15)]


class BoostBody(Strict):
    """By a number, with `pivot`, or by the age of a date, with `half_life_days`."""

    field: _Field = Field(description="a dotted path into the metadata")
    weight: float = Field(ge=-1, le=1, description="by how much at most a score is moved")
    pivot: _Above | None = Field(
        default=None, description="the number that moves nothing; greater ones gain"
    )
    half_life_days: _Above | None = Field(
        default=None, description="the age that moves nothing; younger dates gain"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "BoostBody":
        if (self.pivot is None) == (self.half_life_days is None):
            raise PydanticCustomError(
                "boost", "must have `pivot`, for a number, or `half_life_days`, for a date"
            )
        return self

    @property
    def meant(self) -> Boost:
        """What it asks for."""
        field = own_field(self.field)
        if self.pivot is not None:
            return NumberBoost(field, self.weight, self.pivot)
        return AgeBoost(field, self.weight, self.half_life_days or 1.0)


Boosts = Annotated[list[BoostBody], Field(max_length=MOST_BOOSTS)]
"""How scores are moved; an empty list moves none."""
