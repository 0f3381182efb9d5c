"""Weights of fields: how much words count that a document has in a field, beside those of its text.

Owns the value and its JSON; which fields there are is not known here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from molt.index.errors import InvalidFieldError

FieldWeights = Mapping[str, float]
"""A factor by `title` or a dotted path of the metadata."""
NO_WEIGHTS: FieldWeights = MappingProxyType({})
MOST_FIELDS = 16
HEAVIEST = 100.0


def parse_field_weights(value: object, *, name: str) -> dict[str, float]:
    """The weights that a JSON object means, by path. Raises `InvalidFieldError` as `name`."""
    if not isinstance(value, Mapping) or len(value) > MOST_FIELDS:
        raise InvalidFieldError(name, f"must be an object of at most {MOST_FIELDS} fields")
    found: dict[str, float] = {}
    for path, weight in sorted(value.items()):
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 <= weight <= HEAVIEST:
            raise InvalidFieldError(f"{name}.{path}", f"must be a number from 0 to {HEAVIEST:g}")
        found[path] = float(weight)
    return found
