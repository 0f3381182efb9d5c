"""Sentences: what is wrong with a value, said to whoever wrote the client.

Knows the kinds of pydantic's errors and none of its words. Never repeats a value that was sent: it
may be huge, secret, or impossible to write as JSON.
"""

import json
from collections.abc import Mapping
from typing import Any

_LONGEST = 500
_OBJECT = "must be an object"
_WHOLE = "must be a whole number"
_MOMENT = "must be a date, or a date and time, as in RFC 3339"
_TYPES: Mapping[str, str] = {
    "string_type": "must be a string",
    "int_type": _WHOLE,
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}
"""Of these the kind of what was sent is told, too."""
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known name",
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "has too many digits",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
_SIZES = {"string_too_short", "string_too_long", "too_short", "too_long"}
_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}
_IDS = ("id", "_id", "doc_id", "query_id")
_LONGEST_ID = 80


def sentence_of(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says of its place."""
    kind, given = error["type"], error.get("input")
    if kind == "int_type" and isinstance(given, float):
        sentence = _WHOLE
    elif kind in _TYPES:
        sentence = f"{_TYPES[kind]}, not {kind_of(given)}"
    elif kind in _SIZES:
        sentence = _size(given, error["ctx"])
    elif kind in _WORDS:
        sentence = _WORDS[kind].format(**_written(error.get("ctx", {})))
    else:
        sentence = str(error["msg"]).replace("Input should be", "must be")
    return sentence[:_LONGEST]


def of_whole_body(error: Mapping[str, Any]) -> str:
    """What an error says that concerns no place inside of the body."""
    given = error.get("input")
    if given is None:
        return "the body is empty; send a JSON object"
    if error["type"] in _TYPES:
        return f"the body must be a JSON object, not {kind_of(given)}"
    return f"the body {sentence_of(error)}"


def kind_of(value: object) -> str:
    """What JSON calls a value."""
    return _KINDS.get(type(value), "another value")


def element_of(body: object, place: tuple[str | int, ...]) -> str:
    """The id of the innermost element of a list on the way to a place, where it has one."""
    found = ""
    for step in place:
        if isinstance(body, dict) and step in body:
            body = body[step]
        elif isinstance(body, list) and isinstance(step, int) and step < len(body):
            body = body[step]
            found = _id_of(body)
        else:
            break
    return found


def _id_of(element: object) -> str:
    given = element if isinstance(element, dict) else {}
    ids = (given.get(name) for name in _IDS)
    return next((str(one)[:_LONGEST_ID] for one in ids if isinstance(one, str | int)), "")


def _written(context: Mapping[str, Any]) -> dict[str, str]:
    """Values of the schema as JSON writes them."""
    return {name: str(value).replace("'", '"') for name, value in context.items()}


def _size(given: object, context: Mapping[str, Any]) -> str:
    size = len(given) if isinstance(given, str | list | dict) else 0
    if not size:
        return "is empty"
    holds = f"has {size} characters" if isinstance(given, str) else f"holds {size} elements"
    if "max_length" in context:
        return f"{holds}; at most {context['max_length']} are taken"
    return f"{holds}; at least {context['min_length']} are needed"


def quoted(element: str) -> str:
    """An id as it is shown."""
    return json.dumps(element, ensure_ascii=False)
