"""A survey: what the columns of files were taken for and what they hold, for whoever looks first.

Counts what it is shown while the files are read; keeps no rows but a few.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from molt.index.files.columns import DocumentColumns
from molt.index.files.judged.pairs import pair_roles
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.row import (
    GRADES,
    JUDGED_DOCUMENTS,
    JUDGED_QUERIES,
    JUDGED_TEXT,
    QUERY_IDS,
    QUERY_TEXTS,
    Row,
)
from molt.index.files.source import Source

MOST_COLUMNS = 500
_EXAMPLE_CHARS = 60
_LEFT_OUT = "left out"
_QUERY_ROLES = {"id": QUERY_IDS, "text": QUERY_TEXTS}
_JUDGMENT_ROLES = {
    "query": JUDGED_QUERIES,
    "document": JUDGED_DOCUMENTS,
    "grade": GRADES,
    "split": ("split",),
    "text of the query": (JUDGED_TEXT,),
}


@dataclass(frozen=True)
class SurveyedColumn:
    """One column: what it is read as, how many of its values are of each kind, and the first."""

    name: str
    role: str
    kinds: dict[str, int]
    example: str


@dataclass
class _Values:
    kinds: Counter[str] = field(default_factory=Counter)
    example: str = ""


class FileSurvey:
    """Looks at the rows of a part."""

    def __init__(self) -> None:
        self._columns: dict[str, _Values] = {}

    def look(self, part: SourcePart, row: Row) -> None:  # noqa: ARG002  as every observer
        """Count the values of a row."""
        for name, value in row.values.items():
            if name not in self._columns:
                if len(self._columns) == MOST_COLUMNS:
                    continue
                self._columns[name] = _Values(example=_shown(value))
            self._columns[name].kinds[_kind(value)] += 1

    def columns(self, source: Source, part: SourcePart) -> tuple[SurveyedColumn, ...]:
        """All columns of a part, as its source reads them."""
        roles = self._roles(source, part)
        return tuple(
            SurveyedColumn(name, roles.get(name, _LEFT_OUT), dict(values.kinds), values.example)
            for name, values in self._columns.items()
        )

    def _roles(self, source: Source, part: SourcePart) -> dict[str, str]:
        """What the columns are read as; those that are not kept are not there."""
        names = [*self._columns]
        if part.kind is RecordKind.DOCUMENTS:
            found = source.columns(part)
            return {name: _role(name, found) for name in names}
        if part.kind is RecordKind.PAIRS:
            return pair_roles(names)
        known = _QUERY_ROLES if part.kind is RecordKind.QUERIES else _JUDGMENT_ROLES
        roles = dict.fromkeys(names, "metadata") if part.kind is RecordKind.QUERIES else {}
        for role, called in known.items():
            first = next((name for name in called if name in names), None)
            roles |= {} if first is None else {first: role}
        return roles


def _role(name: str, found: DocumentColumns) -> str:
    roles = {found.id: "id", found.title: "title", found.text: "text"}
    if name in roles:
        return roles[name]
    if found.metadata is not None and name not in found.metadata:
        return _LEFT_OUT
    return "metadata"


def _shown(value: Any) -> str:
    """A value as people write it, cut."""
    if isinstance(value, str):
        return value[:_EXAMPLE_CHARS]
    return json.dumps(value, ensure_ascii=False, default=str)[:_EXAMPLE_CHARS]


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "whole number", float: "number", str: "text"}
    kinds |= {list: "list", dict: "object", type(None): "null"}
    return kinds.get(type(value), "other")
