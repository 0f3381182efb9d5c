"""What a search asks of all documents that match, and what it is told of them."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from molt.app.http.validation import limited
from molt.engine.sections import LimitSettings
from molt.index.segments.matches.facets import Facet
from molt.index.segments.matches.parsing import MAX_SORT_FIELDS, parse_facets
from molt.index.segments.scalar import MAX_FIELD_LENGTH

_FacetBody = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/Facet"})]
_SortBody = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/SortField"})]
Facets = Annotated[list[_FacetBody], Field(json_schema_extra=limited(maxItems="max_facets"))]
Sort = Annotated[list[_SortBody], Field(json_schema_extra={"maxItems": MAX_SORT_FIELDS})]
FieldName = Annotated[str, Field(min_length=1, max_length=MAX_FIELD_LENGTH)]
FieldNames = list[FieldName]


class CountedValue(BaseModel):
    """How many matching documents have a value, or one in a range, by its bounds."""

    value: str | bool | int | float | dict[str, str | int | float]
    count: int


class ShownGroup(BaseModel):
    """The group that a hit stands for: its value, and how many documents match in it."""

    value: str | bool | int | float | None
    size: int


def facets_of(facets: Sequence[Any], limits: LimitSettings) -> tuple[Facet, ...]:
    """What is asked to be counted. Raises `FacetError`."""
    return parse_facets(
        list(facets), max_facets=limits.max_facets, max_values=limits.max_facet_values
    )
