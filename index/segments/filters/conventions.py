"""Conventions: how other engines write filters, and the same as Molt writes it, for messages."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from molt.index.segments.filters.operands import shown_json

_SYNONYMS = {
    "eq": ("=", "==", "$eq", "equals", "equal", "is", "match", "term", "value", "matchvalue"),
    "ne": ("!=", "<>", "$ne", "neq", "not_eq", "not_equals", "notequal", "is_not"),
    "gt": (">", "$gt", "greaterthan", "greater_than", "after"),
    "gte": (">=", "$gte", "ge", "greaterthanequal", "from", "min", "since"),
    "lt": ("<", "$lt", "lessthan", "less_than", "before"),
    "lte": ("<=", "$lte", "le", "lessthanequal", "to", "max", "until"),
    "in": ("$in", "terms", "any_of", "one_of", "containsany", "anyof"),
    "prefix": ("startswith", "starts_with", "begins_with", "$prefix", "like", "ilike"),
    "contains": ("$contains", "includes", "substring", "text", "$regex", "regex", "wildcard"),
    "exists": ("$exists", "has", "present"),
    "is_null": ("null", "isnull", "isempty", "is_empty", "missing"),
    "any_element": ("$elemmatch", "nested", "elem_match"),
    "all": ("and", "$and", "must", "&&", "filter", "bool"),
    "any": ("or", "$or", "should", "||"),
    "not": ("$not", "must_not", "$nor", "nor", "none", "!"),
}
_MEANT = {name: ours for ours, names in _SYNONYMS.items() for name in names}
_JOINS = ("all", "any", "not")
_FEW = 3
_LONGEST = 200


def own_operator(name: object) -> str | None:
    """The operator or junction of Molt's that one of another engine means."""
    return _MEANT.get(str(name).lower())


def own_form(value: Mapping[Any, Any]) -> str | None:
    """A filter of another engine as Molt would write it, or None where nothing is recognised."""
    known = dict(islice(value.items(), _FEW))
    named = next((known[name] for name in ("field", "key", "path") if name in known), None)
    if named is not None:
        return _conditioned(named, {n: v for n, v in known.items() if v is not named})
    for name, inner in known.items():
        ours = own_operator(name)
        if ours in _JOINS:
            return f'{{"{ours}": {"{…}" if ours == "not" else "[…]"}}}'
        if isinstance(inner, Mapping) and (ours or name in {"range", *_SYNONYMS}):
            return _tested(ours or str(name), inner)
        if isinstance(name, str) and name not in {*_SYNONYMS, "value"}:
            return _conditioned(name, inner if isinstance(inner, Mapping) else {"eq": inner})
    return None


def _tested(operator: str, inner: Mapping[Any, Any]) -> str | None:
    """`{"term": {"brand": "acme"}}` and its like: the operator stands outside of the field."""
    field, operand = next(iter(inner.items()), ("", None))
    if operator == "exists":
        return _written({"field": operand if field == "field" else field, "exists": True})
    if isinstance(operand, Mapping):
        return _conditioned(field, operand)
    return _written({"field": field, operator: operand})


def _conditioned(field: object, tests: Mapping[Any, Any]) -> str | None:
    """A field, with tests by names that another engine has for them."""
    parts = field if isinstance(field, list) else [field]
    name = ".".join(part for part in parts if isinstance(part, str)) or "…"
    tests = {key: test for key, test in tests.items() if key != "field"}
    operator = next((tests[key] for key in ("operator", "op", "comparator") if key in tests), None)
    if operator is not None:
        operand = next((test for key, test in tests.items() if str(key).startswith("value")), "…")
        return _written({"field": name, own_operator(operator) or str(operator): operand})
    flat: dict[Any, Any] = {}
    for key, test in tests.items():
        flat |= test if isinstance(test, Mapping) else {key: test}
    ours = {own_operator(key) or str(key): test for key, test in islice(flat.items(), _FEW)}
    if "$nin" in flat or "nin" in flat:
        return f'{{"not": {_written({"field": name, "in": next(iter(flat.values()))}) or "…"}}}'
    return _written({"field": name, **ours}) if ours else None


def _written(form: Mapping[str, Any]) -> str | None:
    written = shown_json(form).replace(",", ", ")
    return written if len(written) <= _LONGEST else None
