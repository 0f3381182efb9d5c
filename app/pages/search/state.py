"""The state of the search page, all of which stands in its URL.

A filter stands there as `f=field:value`, the value as in JSON where it is no plain text: so facets
are links, and a link that is sent to somebody shows them the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson

from molt.engine.search.query import Mode

_BOUNDS = frozenset({"gt", "gte", "lt", "lte"})
_SIGNS = {"gt": "over ", "gte": "from ", "lt": "below ", "lte": "to "}


@dataclass(frozen=True)
class FieldFilter:
    """What a field has to be: `said` is a value or bounds by operators, as a URL has it."""

    field: str
    said: str

    @classmethod
    def read(cls, written: str) -> "FieldFilter":
        """From a URL."""
        field, _, said = written.partition(":")
        return cls(field, said)

    @classmethod
    def of(cls, field: str, value: Any) -> "FieldFilter":
        """For a value of a facet, or its bounds."""
        if isinstance(value, str) and _value_of(value) == value:
            return cls(field, value)
        return cls(field, orjson.dumps(value).decode())

    @property
    def written(self) -> str:
        """As a URL has it."""
        return f"{self.field}:{self.said}"

    @property
    def label(self) -> str:
        """As people read it."""
        value = _value_of(self.said)
        if not isinstance(value, dict):
            return str(value).lower() if isinstance(value, bool) else str(value)
        if value.keys() == {"gte", "lt"}:
            return f"{value['gte']} to {value['lt']}"
        return " ".join(f"{_SIGNS[name]}{bound}" for name, bound in value.items())

    @property
    def is_range(self) -> bool:
        """Are these bounds?"""
        return isinstance(_value_of(self.said), dict)

    def rivals(self, other: "FieldFilter") -> bool:
        """Is the other one a range of the same field?"""
        return other.is_range and other.field == self.field

    @property
    def condition(self) -> dict[str, Any]:
        """As a filter of the API has it."""
        value = _value_of(self.said)
        return {"field": self.field} | (value if isinstance(value, dict) else {"eq": value})


def _value_of(said: str) -> Any:
    """What is no JSON of a value or of bounds is a text."""
    try:
        value = orjson.loads(said)
    except orjson.JSONDecodeError:
        return said
    bounds = isinstance(value, dict) and bool(value) and value.keys() <= _BOUNDS
    return value if bounds or isinstance(value, str | bool | int | float) else said


@dataclass(frozen=True)
class SearchState:
    """What is searched for, where, how and within what."""

    q: str = ""
    collection: str | None = None
    mode: Mode = "hybrid"
    filters: tuple[FieldFilter, ...] = ()
    sort: str = ""
    rerank: str = ""
    cursor: str | None = None

    def url(self) -> str:
        """The page that shows it."""
        pairs: list[tuple[str, str]] = [("q", self.q)] if self.q else []
        if self.collection:
            pairs.append(("collection", self.collection))
        if self.mode != "hybrid":
            pairs.append(("mode", self.mode))
        pairs += [("f", one.written) for one in self.filters]
        pairs += [("sort", self.sort)] if self.sort else []
        pairs += [("rerank", self.rerank)] if self.rerank else []
        pairs += [("cursor", self.cursor)] if self.cursor else []
        return f"/?{urlencode(pairs)}" if pairs else "/"

    def toggled(self, one: FieldFilter) -> "SearchState":
        """With that filter, or without it where it was there; from the first page on.

        A range takes the place of another one of its field; values stand beside each other.
        """
        if one in self.filters:
            filters = tuple(each for each in self.filters if each != one)
        else:
            others = (each for each in self.filters if not (one.is_range and one.rivals(each)))
            filters = (*others, one)
        return replace(self, filters=filters, cursor=None)

    def first(self) -> "SearchState":
        """Its first page."""
        return replace(self, cursor=None)

    def after(self, cursor: str) -> "SearchState":
        """The page that begins there."""
        return replace(self, cursor=cursor)

    @property
    def filter(self) -> dict[str, Any] | None:
        """As the API has it: values of one field are alternatives, fields are not."""
        fields: dict[str, list[FieldFilter]] = {}
        for one in self.filters:
            fields.setdefault(one.field, []).append(one)
        parts = [_any_of(each) for each in fields.values()]
        return {"all": parts} if parts else None


def _any_of(filters: Sequence[FieldFilter]) -> dict[str, Any]:
    conditions = [one.condition for one in filters]
    return conditions[0] if len(conditions) == 1 else {"any": conditions}
