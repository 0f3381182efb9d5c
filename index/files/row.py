"""A row of any file, and the document, query, judgment or pair that its columns make.

The one place that knows how columns may be called.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from molt.index.catalog.document import Document
from molt.index.catalog.documents import encode_document
from molt.index.catalog.fields import check_id, check_text
from molt.index.catalog.judgments import (
    Judgment,
    Pair,
    Query,
    encode_judgment,
    encode_pair,
    encode_query,
)
from molt.index.errors import InvalidFieldError

IDS = ("_id", "id", "doc_id")
TEXTS = ("text", "contents", "body")
QUERY_IDS = ("_id", "id", "query_id", "query-id", "qid")
QUERY_TEXTS = ("text", "query")
JUDGED_QUERIES = ("query-id", "query_id", "qid")
JUDGED_DOCUMENTS = ("corpus-id", "corpus_id", "doc_id", "docid")
GRADES = ("score", "grade", "relevance")
SPECIAL = {
    *IDS,
    *TEXTS,
    *QUERY_IDS,
    *QUERY_TEXTS,
    *JUDGED_QUERIES,
    *JUDGED_DOCUMENTS,
    *("title", "metadata", "positive", "split"),
}


@dataclass(frozen=True)
class Row:
    """The values of a row by column, and the line where it starts."""

    line: int
    values: Mapping[str, Any]


def read_document(row: Row) -> Document:
    """A document: its id, title and text, and every other column as metadata.

    Raises `InvalidDocumentError`, or `InvalidFieldError` for a column.
    """
    values = dict(row.values)
    document = Document(
        id=_as_id(values, IDS),
        title=_as_text(values, ("title",)),
        text=_as_text(values, TEXTS),
        metadata=_as_metadata(values),
    )
    encode_document(document)
    return document


def read_query(row: Row) -> Query:
    """A query: its id and text, and every other column as metadata. Raises as `read_document`."""
    values = dict(row.values)
    query = Query(_as_id(values, QUERY_IDS), _as_text(values, QUERY_TEXTS), _as_metadata(values))
    encode_query(query)
    return query


def read_judgment(row: Row, *, split: str | None) -> Judgment:
    """A judgment; a column `split` goes before the one given. Raises as `read_document`."""
    values = dict(row.values)
    judgment = Judgment(
        query_id=_as_id(values, JUDGED_QUERIES),
        doc_id=_as_id(values, JUDGED_DOCUMENTS),
        grade=_as_grade(values),
        split=_as_text(values, ("split",)) or split,
    )
    encode_judgment(judgment)
    return judgment


def read_pair(row: Row) -> Pair:
    """A pair of a query text with a positive text, a document id, or both."""
    values = dict(row.values)
    pair = Pair(
        query=_as_text(values, ("query",)),
        positive=_as_text(values, ("positive",)) or None,
        doc_id=_as_id(values, ("doc_id",)) if values.get("doc_id") is not None else None,
    )
    encode_pair(pair)
    return pair


def _take(values: dict[str, Any], names: Sequence[str]) -> Any:
    return next((values.pop(name) for name in names if name in values), None)


def _as_id(values: dict[str, Any], names: Sequence[str]) -> str:
    found = _take(values, names)
    if found is None:
        raise InvalidFieldError("id", f"is missing; name its column {_either(names)}")
    # Files that come from tables often have whole numbers for ids.
    whole = isinstance(found, int) and not isinstance(found, bool)
    return check_id(str(found) if whole else found, field="id")


def _as_text(values: dict[str, Any], names: Sequence[str]) -> str:
    found = _take(values, names)
    return "" if found is None else check_text(found, field=names[0])


def _as_grade(values: dict[str, Any]) -> int:
    found = _take(values, GRADES)
    if found is None:
        raise InvalidFieldError("score", f"is missing; name its column {_either(GRADES)}")
    try:
        grade = float(found)
    except (TypeError, ValueError):
        grade = math.nan
    if not grade.is_integer():
        raise InvalidFieldError("score", f"is {found!r:.40}, not a whole number")
    return int(grade)


def _as_metadata(values: dict[str, Any]) -> dict[str, Any]:
    given = values.pop("metadata", None)
    if isinstance(given, str) and given:
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            raise InvalidFieldError("metadata", "is a string that is not JSON") from None
    if given and not isinstance(given, dict):
        raise InvalidFieldError("metadata", "must be a JSON object")
    inner: dict[str, Any] = given or {}
    twice = inner.keys() & values.keys()
    if twice:
        raise InvalidFieldError(
            "metadata", f"has a key {min(twice)!r}, and so has the row; rename one of them"
        )
    return inner | values


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)
