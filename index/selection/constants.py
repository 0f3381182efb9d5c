"""Constants: filters that keep every document there could be, whatever it holds.

Told by their form alone: what opposites leave open, and what is true of every id. Reads nothing.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from molt.index.catalog.fields import is_id
from molt.index.errors import FilterError
from molt.index.segments.filters import clauses
from molt.index.segments.scalar import ID_FIELD, ScalarKind

_LEAST_ID = " "
_Signed = tuple[clauses.Filter, bool]
"""A filter, or, with false, the opposite of it."""


def check_not_all(where: clauses.Filter) -> None:
    """Raise `FilterError` for a filter that keeps every document there could be."""
    if _always((where, True)):
        raise FilterError(
            "$",
            "the filter keeps every document, whatever it holds; name a field, or delete the "
            "collection",
        )


def _always(signed: _Signed, beside: frozenset[_Signed] = frozenset()) -> bool:
    """Does this, or one of those `beside` it, hold of every document?"""
    where, sign = signed
    if (where, not sign) in beside:
        return True
    match where:
        case clauses.Not(part):
            return _always((part, not sign), beside)
        case clauses.All(parts) | clauses.AnyOf(parts) if isinstance(where, clauses.All) is sign:
            return all(_always((part, sign), beside) for part in parts)
        case clauses.Condition() if sign:
            return all(_piece_holds(piece, beside) for piece in _pieces(where))
        case clauses.AnyElement(_, part):
            return not sign and _always((part, False))
        case _:
            return _one_holds(list(_alternatives(signed)), beside)


def _one_holds(alternatives: list[_Signed], beside: frozenset[_Signed]) -> bool:
    beside |= {*alternatives}
    return any(
        _piece_holds(one, beside)
        if isinstance(one[0], clauses.Condition) and not one[1]
        else _always(one, beside)
        for one in alternatives
    )


def _piece_holds(piece: _Signed, beside: frozenset[_Signed]) -> bool:
    where, sign = piece
    return (where, not sign) in beside or _is_of_every_id(piece)


def _alternatives(signed: _Signed) -> Iterator[_Signed]:
    """What one of has to hold for this to hold."""
    where, sign = signed
    match where:
        case clauses.Not(part):
            yield from _alternatives((part, not sign))
        case clauses.All(parts) | clauses.AnyOf(parts) if isinstance(where, clauses.AnyOf) is sign:
            yield from chain.from_iterable(_alternatives((part, sign)) for part in parts)
        case clauses.Condition():
            pieces = list(_pieces(where))
            if not sign:
                yield from ((piece, not holds) for piece, holds in pieces)
            else:
                yield from pieces if len(pieces) == 1 else [signed]
        case _:
            yield signed


def _pieces(condition: clauses.Condition) -> Iterator[_Signed]:
    """What a condition asks for, each of it alone."""
    field = condition.field
    if condition.tests:
        yield clauses.Condition(field, condition.tests), True
    if condition.excluded is not None:
        yield clauses.Condition(field, (condition.excluded,)), False
    if condition.exists is not None:
        yield clauses.Condition(field, exists=True), condition.exists
    if condition.is_null is not None:
        yield clauses.Condition(field, is_null=True), condition.is_null


def _is_of_every_id(signed: _Signed) -> bool:
    """Does a piece of a condition hold because every document has an id, which is a text?"""
    piece, sign = signed
    if not isinstance(piece, clauses.Condition) or piece.field != ID_FIELD:
        return False
    if not piece.tests:
        return sign is bool(piece.exists)
    passed = [_passed(test) for test in piece.tests]
    return all(one is True for one in passed) if sign else False in passed


def _passed(test: clauses.ValueTest) -> bool | None:
    """Does every id pass a test, or none? None where some may."""
    match test:
        case clauses.Prefix(text) | clauses.Contains(text):
            return True if not text else _possible([text])
        case clauses.OneOf(values):
            texts = [str(value.value) for value in values if value.kind is not ScalarKind.BOOLEAN]
            return _possible(texts)
        case clauses.Bound(comparison, limit) if isinstance(limit.value, str):
            includes = comparison in {clauses.RangeOperator.GTE, clauses.RangeOperator.LT}
            beyond = limit.value <= _LEAST_ID if includes else limit.value < _LEAST_ID
            upwards = comparison in {clauses.RangeOperator.GT, clauses.RangeOperator.GTE}
            return upwards if beyond else None
        case _:
            return None


def _possible(texts: Iterable[str]) -> bool | None:
    """False where none of the texts could be an id."""
    return None if any(map(is_id, texts)) else False
