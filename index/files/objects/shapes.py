"""Shapes: what an object stands for that is alone in its file, an envelope or a table by ids."""

import re
from collections.abc import Mapping
from typing import Any

from molt.index.files.columns import IDS, TEXTS, TITLES
from molt.index.files.judged.pairs import holds_pairs
from molt.index.files.options import canonical

WRAPPERS = ("documents", "docs", "data", "rows", "records", "items", "results", "corpus")
_TEXTS = frozenset((*TEXTS, *TITLES))
_OWN = frozenset((*IDS, *TEXTS))  # an object that has one is a document itself
_DIGIT = re.compile(r"\d")  # which ids of tables have
_LEAST = 2  # members of a table by ids


def unwrapped(value: Mapping[str, Any]) -> list[Any] | None:
    """The objects that an object stands for, or None where it is a row itself.

    Those in its list that is called as one of `WRAPPERS`, or is the only one beside plain values,
    or lies in a member under such a name; else its members by their ids.
    """
    if is_row(value):
        return None
    lists = [inner for name, inner in value.items() if name.lower() in WRAPPERS]
    if len(lists) == 1 and isinstance(lists[0], list):
        return lists[0] if _holds_objects(lists[0]) else None
    if (rows := rows_by_ids(value)) is not None:
        return rows
    nested = [inner for inner in value.values() if isinstance(inner, list | dict)]
    inside = [
        listed
        for inner in nested
        if isinstance(inner, dict)
        for name, listed in inner.items()
        if name.lower() in WRAPPERS
    ]
    found: list[Any] = nested if len(nested) == 1 and _holds_objects(nested[0]) else inside
    return found[0] if len(found) == 1 and _holds_objects(found[0]) else None


def is_row(value: Mapping[str, Any]) -> bool:
    """Has an object an id or a text of its own?"""
    return not _OWN.isdisjoint(map(canonical, value))


def rows_by_ids(value: Mapping[str, Any]) -> list[Any] | None:
    """The rows of an object whose names are ids: of documents or queries, where all members are
    objects with texts or texts; of queries, where all are grades by document or lists of documents.
    """
    members = value.values()
    if value and all(isinstance(inner, dict) and _TEXTS & inner.keys() for inner in members):
        return [{"_id": name} | inner for name, inner in value.items()]
    if len(value) < _LEAST or not all(map(_DIGIT.search, value)) or holds_pairs(value):
        return None
    if all(isinstance(inner, str) for inner in members):
        return [{"_id": name, "text": inner} for name, inner in value.items()]
    graded = {name: _grades(inner) for name, inner in value.items()}
    if not all(graded.values()):
        return None
    return [
        {"query_id": query_id, "doc_id": doc_id, "grade": grade}
        for query_id, grades in graded.items()
        for doc_id, grade in (grades or {}).items()
    ]


def _grades(member: Any) -> dict[str, Any] | None:
    """Grades by document; those in a list are relevant."""
    if isinstance(member, list) and all(isinstance(one, str) for one in member):
        return dict.fromkeys(member, 1)
    if not isinstance(member, dict):
        return None
    numbers = all(
        isinstance(grade, int | float) and not isinstance(grade, bool) for grade in member.values()
    )
    return member if numbers else None


def _holds_objects(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and isinstance(found[0], dict)
