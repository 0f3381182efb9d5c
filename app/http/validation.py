"""Validation: what clients may send, what is wrong with it, and the limits that settings hold.

How that is said is in `sentences`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema

from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.sentences import element_of, of_whole_body, sentence_of
from molt.engine.sections import LimitSettings

MAX_VIOLATIONS = 20

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """What a client sends: no unknown keys, no silent conversions, no NaN or infinity.

    `null` is the same as left out.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, value: object) -> object:
        if not isinstance(value, dict) or None not in value.values():
            return value
        known = set(_names(cls))
        return {name: one for name, one in value.items() if one is not None or name not in known}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        """Say of whatever may be left out that it may be null, too."""
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        properties, needed = described.get("properties", {}), described.get("required", ())
        properties |= {name: _or_null(properties[name]) for name in properties.keys() - {*needed}}
        return schema


def _names(model: type[BaseModel]) -> Iterator[str]:
    """Every name that a field has in JSON."""
    for name, field in model.model_fields.items():
        yield name
        alias = field.validation_alias
        yield from alias.choices if isinstance(alias, AliasChoices) else (alias,)  # type: ignore[misc]


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if not isinstance(kind, str):
        ways = schema.get("anyOf")
        if ways is None and "$ref" not in schema:
            return schema
        ways = ways or [{"$ref": schema["$ref"]}]
        null = {"type": "null"}
        rest = {name: value for name, value in schema.items() if name not in {"anyOf", "$ref"}}
        return rest | {"anyOf": ways if null in ways else [*ways, null]}
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    rest = {name: value for name, value in schema.items() if name != "const"}
    return rest | {"type": [kind, "null"]} | ({"enum": [*values, None]} if values else {})


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Takes an integer that is written 10.0 too: JSON knows no difference."""


def violations_of(errors: Sequence[Any], *, body: object = None) -> tuple[Violation, ...]:
    """The first errors of pydantic or FastAPI, whose places begin with their source.

    `body` is what they were found in, so that the element of a list can be named by its id.
    """
    return tuple(_violation(error, body) for error in errors[:MAX_VIOLATIONS])


def _violation(error: Mapping[str, Any], body: object) -> Violation:
    source, *steps = error["loc"]
    place = tuple(steps)
    if source == "body" and not place:
        return Violation(of_whole_body(error), "body")
    return Violation(sentence_of(error), str(source), place, element_of(body, place))


def validate(model: type[Model], value: object) -> Model:
    """A model from parsed JSON. Raises `InvalidRequestError`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
        for entry in found:
            entry["loc"] = ("body", *entry["loc"])
        raise InvalidRequestError(violations_of(found, body=value)) from None


def limited(**limits: str) -> dict[str, Any]:
    """For `json_schema_extra`: JSON Schema keywords whose values are settings."""
    return {f"x-limit-{keyword}": name for keyword, name in limits.items()}


_SAYING = {
    "max_query_chars": "has {} characters",
    "max_text_chars": "has {} characters",
    "max_inputs": "holds {} texts",
    "max_documents": "holds {} elements",
    "max_searches": "holds {} searches",
}


def require(
    value: int,
    limits: LimitSettings,
    name: str,
    *,
    place: tuple[str | int, ...],
    element: str = "",
) -> None:
    """Raise `InvalidRequestError` where a count or length exceeds the setting `limits.<name>`.

    `element` is the id of the element of a list in which the place is.
    """
    limit = getattr(limits, name)
    if value > limit:
        said = _SAYING.get(name, "is {}").format(value)
        detail = f"{said}; the setting limits.{name} allows {limit}"
        raise InvalidRequestError([Violation(detail, "body", place, element)])


def named_as_in_files(value: object, names: Mapping[str, Sequence[str]]) -> object:
    """A body whose fields have their own names, where they were called as one of those of files."""
    if not isinstance(value, dict):
        return value
    taken: dict[str, object] = value
    for field, known in names.items():
        if value.get(field) is None:
            found = next((name for name in known if value.get(name) is not None), None)
            if found is not None:
                rest = {name: inner for name, inner in taken.items() if name not in (field, found)}
                taken = {field: value[found]} | rest
    return taken
