"""A row of any file, and the document, query or judgment that its columns make.

The one place that knows how columns may be called.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from molt.index.catalog.document import Document
from molt.index.catalog.fields import check_text
from molt.index.catalog.judging.split_name import standard_split
from molt.index.catalog.judgments import (
    Judgment,
    Query,
    encode_judgment,
    encode_query,
)
from molt.index.catalog.rows.encoding import encode_document
from molt.index.errors import InvalidFieldError
from molt.index.files.columns import IDS, TEXTS, TITLES, DocumentColumns
from molt.index.files.ids import make_id, read_id
from molt.index.files.judged.grades import WHOLE_GRADES, GradeScale, read_grade
from molt.index.files.objects.exact import AmbiguousObjectError, parse_exactly
from molt.index.files.options import canonical
from molt.index.files.text.markup import Markup, strip_markup

QUERY_IDS = ("_id", "id", "query_id", "query-id", "qid")
QUERY_TEXTS = ("text", "query")
JUDGED_QUERIES = ("query-id", "query_id", "qid")
JUDGED_DOCUMENTS = (
    "corpus-id", "corpus_id", "doc_id", "docid", "document_id", "pid", "docno", "product_id",
)  # fmt: skip
JUDGED_TEXT = "query"
"""The text of the query, which a judgment may have beside its id."""
GRADES = ("score", "grade", "relevance", "label", "rel", "rating", "esci_label")
SPECIAL = {  # beside an id, a product's is metadata like any other
    *IDS,
    *TEXTS,
    *QUERY_IDS,
    *QUERY_TEXTS,
    *JUDGED_QUERIES,
    *JUDGED_DOCUMENTS,
    *("title", "metadata", "positive", "split"),
} - {"product_id", "sku", "uuid"}


@dataclass(frozen=True)
class Row:
    """The values of a row by column, and the line where it starts."""

    line: int
    values: Mapping[str, Any]


def holds_judgments(columns: Collection[str]) -> bool:
    """Do rows of these columns say of a document how relevant it is to a query?

    Rows without a grade that have a text are documents which name a query.
    """
    names = frozenset(columns)
    if names.isdisjoint(JUDGED_QUERIES) or names.isdisjoint(JUDGED_DOCUMENTS):
        return False
    return names.isdisjoint(TEXTS) or not names.isdisjoint(GRADES)


def read_document(row: Row, columns: DocumentColumns, *, markup: Markup) -> Document:
    """A document: its id, title and text, and every other column as metadata.

    Where the table has no ids, its id is a digest of its content. Raises `InvalidDocumentError`, or
    `InvalidFieldError` for a column.
    """
    values = dict(row.values)
    found = _taken(values, columns.id, IDS, columns)
    if found in (None, "") and columns.id is not None:
        raise InvalidFieldError("id", f"is missing: the column {columns.id[:80]} is empty")
    title = _as_words(_taken(values, columns.title, TITLES, columns), columns.title or "title")
    text = _as_words(_taken(values, columns.text, TEXTS, columns), columns.text or "text")
    if markup is Markup.STRIPPED:
        title, text = strip_markup(title), strip_markup(text)
    if columns.metadata is not None:
        values = {name: values[name] for name in values if name in columns.metadata}
    metadata = _as_metadata(values)
    doc_id = make_id(title, text, metadata) if found in (None, "") else read_id(found)
    document = Document(id=doc_id, title=title, text=text, metadata=metadata)
    encode_document(document)
    return document


def read_query(row: Row) -> Query:
    """A query: its id and text, and every other column as metadata. Raises as `read_document`."""
    values = _respelled(row.values, (*QUERY_IDS, *QUERY_TEXTS, "metadata"))
    query = Query(_as_id(values, QUERY_IDS), _as_text(values, QUERY_TEXTS), _as_metadata(values))
    encode_query(query)
    return query


def read_judged_query(row: Row) -> Query | None:
    """The query that a judgment has beside its id, or None. Raises as `read_document`."""
    values = dict(row.values)
    text = _as_text(values, (JUDGED_TEXT,))
    if not text.strip():
        return None
    query = Query(_as_id(values, JUDGED_QUERIES), text)
    encode_query(query)
    return query


def read_judgment(row: Row, *, split: str | None, scale: GradeScale = WHOLE_GRADES) -> Judgment:
    """A judgment; a column `split` goes before the one given, and `scale` makes its grade.

    Raises as `read_document`.
    """
    values = dict(row.values)
    judgment = Judgment(
        query_id=_as_id(values, JUDGED_QUERIES),
        doc_id=_as_id(values, JUDGED_DOCUMENTS),
        grade=scale.place(grade_of(row)),
        split=standard_split(_as_text(values, ("split",)).strip() or split),
    )
    encode_judgment(judgment)
    return judgment


def _respelled(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The values by column; one that is called as in `names`, but for its case, by that name."""
    known = {canonical(name): name for name in names}
    spelled = {name: known.get(canonical(name), name) for name in values if name not in names}
    return {
        name if (other := spelled.get(name, name)) in values else other: value
        for name, value in values.items()
    }


def _take(values: dict[str, Any], names: Sequence[str]) -> Any:
    return next((values.pop(name) for name in names if name in values), None)


def _as_id(values: dict[str, Any], names: Sequence[str]) -> str:
    found = _take(values, names)
    if found is None:
        raise InvalidFieldError("id", f"is missing; name its column {_either(names)}")
    return read_id(found)


def _as_text(values: dict[str, Any], names: Sequence[str]) -> str:
    found = _take(values, names)
    return "" if found is None else check_text(found, field=names[0])


def _taken(
    values: dict[str, Any], column: str | None, known: Sequence[str], columns: DocumentColumns
) -> Any:
    """The value of a column; of one called otherwise only where no row before had that one."""
    if column is not None and column in values:
        return values.pop(column)
    other = next((name for name in known if name in values and name not in columns.known), None)
    return None if other is None else values.pop(other)


def _as_words(found: Any, column: str) -> str:
    if isinstance(found, Mapping) and isinstance(found.get("rendered"), str):
        found = found["rendered"]  # as WordPress has titles and texts
    return "" if found is None else check_text(found, field=column)


def grade_of(row: Row) -> float:
    """The grade of a judgment as its file has it. Raises `InvalidFieldError`."""
    found = next((row.values[name] for name in GRADES if name in row.values), None)
    if found is None:
        raise InvalidFieldError("score", f"is missing; name its column {_either(GRADES)}")
    return read_grade(found)


def _as_metadata(values: dict[str, Any]) -> dict[str, Any]:
    given = values.pop("metadata", None)
    if isinstance(given, str) and given:
        try:
            given = parse_exactly(given.encode())
        except AmbiguousObjectError as error:
            raise InvalidFieldError("metadata", f"is not kept as it is written: {error}") from None
        except ValueError:
            raise InvalidFieldError("metadata", "is a string that is not JSON") from None
    if given and not isinstance(given, dict):
        raise InvalidFieldError("metadata", "must be a JSON object")
    inner: dict[str, Any] = given or {}
    twice = inner.keys() & values.keys()
    if twice:
        raise InvalidFieldError(
            "metadata", f"has a key {min(twice)[:80]}, and so has the row; rename one of them"
        )
    return inner | values


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)
