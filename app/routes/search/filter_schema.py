"""The JSON Schema of a filter. What a filter means is decided in `molt.index.segments.filter`."""

from typing import Any

from molt.index.segments.filter import MAX_VALUES
from molt.index.segments.scalar import MAX_FIELD_LENGTH

_FILTER = {"$ref": "#/components/schemas/Filter"}
_SCALAR = {"type": ["string", "number", "boolean"]}
_ORDERED = {"type": ["string", "number"]}
_MANY = {"type": "array", "minItems": 1, "maxItems": MAX_VALUES}


def _alone(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: schema},
        "required": [name],
        "additionalProperties": False,
    }


def _condition() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "field": {"type": "string", "minLength": 1, "maxLength": MAX_FIELD_LENGTH},
            "eq": _SCALAR,
            "in": {**_MANY, "items": _SCALAR},
            **dict.fromkeys(("gt", "gte", "lt", "lte"), _ORDERED),
            "exists": {"type": "boolean"},
        },
        "required": ["field"],
        "minProperties": 2,
        "additionalProperties": False,
    }


FILTER_SCHEMA: dict[str, Any] = {
    "description": "A condition on metadata, or several joined; `field` is a dotted path.",
    "anyOf": [
        _condition(),
        _alone("all", {**_MANY, "items": _FILTER}),
        _alone("any", {**_MANY, "items": _FILTER}),
        _alone("not", _FILTER),
    ],
}
