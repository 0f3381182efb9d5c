"""Constants: filters that keep every document there could be, whatever it holds.

Told by their form alone: what opposites leave open, and what is true of every id. Reads nothing.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from molt.index.catalog.fields import is_id
from molt.index.errors import FilterError
from molt.index.segments.clauses import (
    All,
    AnyElement,
    AnyOf,
    Bound,
    Condition,
    Contains,
    Filter,
    Not,
    OneOf,
    Prefix,
    RangeOperator,
    ValueTest,
)
from molt.index.segments.scalar import ID_FIELD, ScalarKind

_LEAST_ID = " "
_Signed = tuple[Filter, bool]
"""A filter, or, with false, the opposite of it."""


def check_not_all(where: Filter) -> None:
    """Raise `FilterError` for a filter that keeps every document there could be."""
    if _always((where, True)):
        raise FilterError(
            "$",
            "the filter keeps every document, whatever it holds; name a field, or delete the "
            "collection",
        )


def _always(signed: _Signed) -> bool:
    """Does this hold of every document?"""
    where, sign = signed
    match where:
        case Not(part):
            return _always((part, not sign))
        case All(parts) | AnyOf(parts) if isinstance(where, All) is sign:
            return all(_always((part, sign)) for part in parts)
        case Condition() if sign:
            return all(map(_is_of_every_id, _pieces(where)))
        case AnyElement(_, part):
            return not sign and _always((part, False))
        case _:
            return _one_always_holds(list(_alternatives(signed)))


def _one_always_holds(alternatives: list[_Signed]) -> bool:
    """Is one of them a constant, or the opposite of another one?"""
    known = set(alternatives)
    return any(
        (where, not sign) in known
        or (
            _always((where, sign))
            if sign or not isinstance(where, Condition)
            else _is_of_every_id((where, sign))
        )
        for where, sign in alternatives
    )


def _alternatives(signed: _Signed) -> Iterator[_Signed]:
    """What one of has to hold for this to hold."""
    where, sign = signed
    match where:
        case Not(part):
            yield from _alternatives((part, not sign))
        case All(parts) | AnyOf(parts) if isinstance(where, AnyOf) is sign:
            yield from chain.from_iterable(_alternatives((part, sign)) for part in parts)
        case Condition():
            pieces = list(_pieces(where))
            if not sign:
                yield from ((piece, not holds) for piece, holds in pieces)
            else:
                yield from pieces if len(pieces) == 1 else [signed]
        case _:
            yield signed


def _pieces(condition: Condition) -> Iterator[_Signed]:
    """What a condition asks for, each of it alone."""
    field = condition.field
    if condition.tests:
        yield Condition(field, condition.tests), True
    if condition.excluded is not None:
        yield Condition(field, (condition.excluded,)), False
    if condition.exists is not None:
        yield Condition(field, exists=True), condition.exists
    if condition.is_null is not None:
        yield Condition(field, is_null=True), condition.is_null


def _is_of_every_id(signed: _Signed) -> bool:
    """Does a piece of a condition hold because every document has an id, which is a text?"""
    piece, sign = signed
    if not isinstance(piece, Condition) or piece.field != ID_FIELD:
        return False
    if not piece.tests:
        return sign is bool(piece.exists)
    passed = [_passed(test) for test in piece.tests]
    return all(one is True for one in passed) if sign else False in passed


def _passed(test: ValueTest) -> bool | None:
    """Does every id pass a test, or none? None where some may."""
    match test:
        case Prefix(text) | Contains(text):
            return True if not text else _possible([text])
        case OneOf(values):
            texts = [str(value.value) for value in values if value.kind is not ScalarKind.BOOLEAN]
            return _possible(texts)
        case Bound(comparison, limit) if isinstance(limit.value, str):
            includes = comparison in {RangeOperator.GTE, RangeOperator.LT}
            beyond = limit.value <= _LEAST_ID if includes else limit.value < _LEAST_ID
            upwards = comparison in {RangeOperator.GT, RangeOperator.GTE}
            return upwards if beyond else None
        case _:
            return None


def _possible(texts: Iterable[str]) -> bool | None:
    """False where none of the texts could be an id."""
    return None if any(map(is_id, texts)) else False
