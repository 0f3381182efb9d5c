"""Clauses: the frozen tree that a filter is. How it is written in JSON is `filter`'s."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from molt.index.segments.readings import DateSpan, read_date
from molt.index.segments.scalar import Scalar


class RangeOperator(StrEnum):
    """How a value is compared with a bound."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True)
class OneOf:
    """The value is one of these: `eq` and `in`."""

    values: frozenset[Scalar]

    @cached_property
    def dates(self) -> tuple[DateSpan, ...]:
        """Those of them that are dates."""
        return _read(self.values)


@dataclass(frozen=True)
class Bound:
    """The value is of the bound's kind and on its right side."""

    comparison: RangeOperator
    limit: Scalar

    @cached_property
    def dates(self) -> tuple[DateSpan, ...]:
        """The date that the bound is, or none."""
        return _read((self.limit,))


@dataclass(frozen=True)
class Prefix:
    """The value is a text that begins with `text`."""

    text: str


@dataclass(frozen=True)
class Contains:
    """The value is a text that contains `text`."""

    text: str


def _read(values: Iterable[Scalar]) -> tuple[DateSpan, ...]:
    texts = (value.value for value in values if isinstance(value.value, str))
    return tuple(span for text in texts if (span := read_date(text)))


ValueTest = OneOf | Bound | Prefix | Contains


@dataclass(frozen=True)
class Condition:
    """What one field must satisfy.

    One value passes all `tests`, and none is among `excluded`. `exists` and `is_null` are None
    where they were not asked. `field` is `ID_FIELD` for the document's id.
    """

    field: str
    tests: tuple[ValueTest, ...] = ()
    exists: bool | None = None
    is_null: bool | None = None
    excluded: OneOf | None = None


@dataclass(frozen=True)
class AnyElement:
    """One of the objects that `field` holds satisfies `part`, whose fields are named from there."""

    field: str
    part: "Filter"


@dataclass(frozen=True)
class All:
    """Every part matches; without parts, every document does."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part matches."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Not:
    """The part does not match."""

    part: "Filter"


Filter = All | AnyOf | Not | Condition | AnyElement


def conditions(
    where: Filter, *, path: str = "$", within: str = ""
) -> Iterator[tuple[str, Condition | AnyElement]]:
    """Every condition of a filter with its JSON path; fields are named from the document."""
    match where:
        case Condition():
            yield path, replace(where, field=within + where.field) if within else where
        case AnyElement(field, part):
            yield path, AnyElement(within + field, part)
            inside = f"{within}{field}."
            yield from conditions(part, path=f"{path}.any_element", within=inside)
        case Not(part):
            yield from conditions(part, path=f"{path}.not", within=within)
        case All(parts) | AnyOf(parts):
            name = "all" if isinstance(where, All) else "any"
            for place, part in enumerate(parts):
                yield from conditions(part, path=f"{path}.{name}[{place}]", within=within)
