"""Filters and documents at random, and which of them match: evaluated without any index."""

import math
import operator
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import strategies as st

FIELDS = ["a", "b", "c", "c.d"]
BIG = [2**53, 2**53 + 1, 2.0**53, 2**63 - 1, 2.0**63, -(2**63), -(2.0**63), 1e300]
NUMBERS = [-3, 0, 1, 2.5, *BIG]
WORDS = ["", "a", "ab", "é", "n/a", "1", "2.5", "01", "-3", "9007199254740993", "\U0010ffff"]
DATES = ["2024-03-01", "2024-03-01T09:00:00Z", "2024-03-01T10:30:00+02:00", "2024-02-30"]
scalars = st.sampled_from([True, False, *NUMBERS, *WORDS, *DATES])


def ranges(limits):
    names = st.sampled_from(["gt", "gte", "lt", "lte"])
    return st.dictionaries(names, limits, min_size=1, max_size=2)


value_tests = st.one_of(
    st.fixed_dictionaries({"eq": scalars}),
    st.fixed_dictionaries({"in": st.lists(scalars, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"prefix": st.sampled_from(WORDS)}),
    st.fixed_dictionaries({"contains": st.sampled_from(["", "a", "1", "-"])}),
    ranges(st.sampled_from(NUMBERS)),
    ranges(st.sampled_from(WORDS + DATES)),
)
document_tests = st.one_of(
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"is_null": st.booleans()}),
    st.fixed_dictionaries({"ne": scalars}),
)
tests_on_a_field = value_tests | document_tests | st.builds(operator.or_, value_tests, value_tests)
tests_on_a_field |= st.builds(operator.or_, value_tests, document_tests)


def sortable(tests):
    """May these stand together? A range has bounds of one kind."""
    bounds = [tests[name] for name in ("gt", "gte", "lt", "lte") if name in tests]
    return len({isinstance(bound, str) for bound in bounds}) < 2


leaves = st.builds(
    lambda name, tests: {"field": name} | tests,
    st.sampled_from(FIELDS),
    tests_on_a_field.filter(sortable),
)
filters = st.recursive(
    leaves,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
        | st.fixed_dictionaries({"field": st.sampled_from(["a", "c"]), "any_element": inner})
    ),
    max_leaves=6,
)
values = st.recursive(
    st.none() | scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abd"), inner, max_size=3)
    ),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)

COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def reached(value, names):
    """All that stands at a dotted path, lists opened."""
    if isinstance(value, list):
        return [one for entry in value for one in reached(entry, names)]
    if not names:
        return [value]
    inside = isinstance(value, dict) and names[0] in value
    return reached(value[names[0]], names[1:]) if inside else []


def number(value):
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value == value.strip() else None
        except orjson.JSONDecodeError:
            return None
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return value if real and math.isfinite(value) else None


def day(text):
    """From when to when a date lasts."""
    try:
        first = datetime.fromisoformat(text) if text[4:5] == "-" else None
    except ValueError:
        return None
    if first is None:
        return None
    first = first if first.tzinfo else first.replace(tzinfo=UTC)
    return first, first + timedelta(days=1) if len(text) == 10 else first + timedelta.resolution


def equal(value, operand):
    if isinstance(value, dict) or value is None:
        return False
    if isinstance(operand, bool) or isinstance(value, bool):
        return value is operand
    if not isinstance(operand, str):
        return number(value) is not None and number(value) == operand
    if value == operand:
        return True
    dates = isinstance(value, str) and day(value) and day(operand)
    return bool(dates) and day(operand)[0] <= day(value)[0] < day(operand)[1]


def compared(value, name, operand, *, as_dates):
    if not isinstance(operand, str):
        return number(value) is not None and COMPARE[name](number(value), operand)
    if not isinstance(value, str):
        return False
    if not as_dates:
        return COMPARE[name](value, operand)
    if not day(value):
        return False
    (moment, _), (first, end) = day(value), day(operand)
    if name in {"gte", "lt"}:
        return COMPARE[name](moment, first)
    return moment >= end if name == "gt" else moment < end


def passes(value, tests):
    as_dates = all(day(tests[name]) for name in COMPARE if isinstance(tests.get(name), str))
    for name, operand in tests.items():
        if name in COMPARE:
            held = compared(value, name, operand, as_dates=as_dates)
        elif name in {"eq", "in"}:
            held = any(equal(value, one) for one in (operand if name == "in" else [operand]))
        else:
            text = value if isinstance(value, str) else None
            held = text is not None and (
                text.startswith(operand) if name == "prefix" else operand in text
            )
        if not held:
            return False
    return True


def oracle(where, document):
    if "all" in where:
        return all(oracle(part, document) for part in where["all"])
    if "any" in where:
        return any(oracle(part, document) for part in where["any"])
    if "not" in where:
        return not oracle(where["not"], document)
    held = reached(document, where["field"].split("."))
    if "any_element" in where:
        return any(oracle(where["any_element"], one) for one in held if isinstance(one, dict))
    tests = {n: o for n, o in where.items() if n not in {"field", "exists", "is_null", "ne"}}
    return (
        (not tests or any(passes(value, tests) for value in held))
        and ("ne" not in where or not any(equal(value, where["ne"]) for value in held))
        and where.get("exists") in (None, any(value is not None for value in held))
        and where.get("is_null") in (None, any(value is None for value in held))
    )
