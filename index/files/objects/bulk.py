"""What search engines export: documents inside an envelope, or below a line of their own id."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from molt.index.files.columns import IDS, TEXTS
from molt.index.files.errors import RowError
from molt.index.files.row import Row

_WRITES = ("index", "create")
_OTHERS = ("delete", "update")
_OF_OBJECT = frozenset(
    {"class", "creationTimeUnix", "id", "lastUpdateTimeUnix", "properties", "vector", "vectors"}
)
"""What Weaviate has around the properties of an object."""
_OWN = frozenset((*IDS, *TEXTS)) - {"_id"}


def unwrap_documents(path: Path, rows: Iterable[Row | RowError]) -> Iterator[Row | RowError]:
    """The rows, those of Elasticsearch's bulk format and of its hits as the documents they hold."""
    pending: str | None = None
    for row in rows:
        if isinstance(row, RowError):
            pending = None
            yield row
        elif (action := _action(row.values)) is not None:
            name, pending = action
            if name in _OTHERS:
                yield RowError(path, row.line, f"is the action {name}, which no import does")
        else:
            yield _document(row, pending)
            pending = None


def _action(values: Mapping[str, Any]) -> tuple[str, str | None] | None:
    """The action that a line of the bulk format is, and the id that it gives."""
    if len(values) != 1:
        return None
    ((name, inner),) = values.items()
    if name not in (*_WRITES, *_OTHERS) or not isinstance(inner, dict):
        return None
    found = inner.get("_id")
    is_action = not inner or any(key in inner for key in ("_id", "_index", "_type", "routing"))
    return (name, None if found is None else str(found)) if is_action else None


def _document(row: Row, pending: str | None) -> Row:
    """The document of a row: a hit's, a line's below an action, Vespa's, or Weaviate's."""
    values = row.values
    if isinstance(values.get("put"), str) and isinstance(values.get("fields"), dict):
        return Row(row.line, {"_id": values["put"].rpartition("::")[2]} | values["fields"])
    if isinstance(values.get("properties"), dict) and values.keys() <= _OF_OBJECT:
        return Row(row.line, {"_id": values.get("id")} | values["properties"])
    source = row.values.get("_source")
    if isinstance(source, dict) and _is_envelope(row.values):
        found = row.values.get("_id")
        return Row(row.line, source if found is None else {"_id": found} | source)
    if pending is not None and "_id" not in row.values:
        return Row(row.line, {"_id": pending} | dict(row.values))
    return row


def _is_envelope(values: Mapping[str, Any]) -> bool:
    """Is a row with `_source` a hit, and not a document with a field of that name?"""
    if "_index" in values or len(values) == 1:
        return True
    return "_id" in values and not _OWN & values.keys()
