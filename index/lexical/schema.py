"""The schema of a lexical index: which fields a row of it has, and a document made into a row.

Title and text lie together in one field, which measured as well as any weighting on the average of
nine collections; the title has a field of its own beside it, and so has each weighted field.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from tantivy import Document as Row
from tantivy import Schema, SchemaBuilder

from molt.artifact import panics_contained
from molt.index.catalog.documents import StoredDocument
from molt.index.errors import LexicalError
from molt.index.lexical.analysis import TITLE, Analysis, prepared_text
from molt.index.ranking.field_weights import FieldWeights

BODY = "body"
ORDINAL = "ordinal"
REVISION = "revision"
TOKENIZER = "molt"


@contextmanager
def tantivy_errors() -> Iterator[None]:
    """Raise `LexicalError` for whatever tantivy raises or panics of in the block."""
    try:
        with panics_contained(LexicalError):
            yield
    except ValueError as error:  # the one type that it has for all that it meets
        raise LexicalError(f"tantivy: {error}") from None


def searched_fields(analysis: Analysis) -> Mapping[str, str]:
    """What a query may name, each with the field of the index behind it."""
    own = sorted(analysis.weights.keys() - {TITLE})
    return {TITLE: TITLE} | {path: f"field{place}" for place, path in enumerate(own)}


def field_weights(analysis: Analysis) -> FieldWeights:
    """How much words count in each of these beside the text."""
    return {path: analysis.weights.get(path, 0.0) for path in searched_fields(analysis)}


def lexical_schema(analysis: Analysis) -> Schema:
    """The fields of an index of texts that are analysed so."""
    return _schema(tuple(searched_fields(analysis).values()))


@lru_cache(maxsize=256)
def _schema(fields: tuple[str, ...]) -> Schema:
    builder = SchemaBuilder()
    for name in (BODY, *fields):
        builder.add_text_field(name, tokenizer_name=TOKENIZER, index_option="position")
    builder.add_unsigned_field(ORDINAL, indexed=True, fast=True)
    builder.add_unsigned_field(REVISION, fast=True)
    return builder.build()


def row_of(stored: StoredDocument, analysis: Analysis) -> Row:
    """A document as a row."""
    document, row = stored.document, Row()
    row.add_unsigned(ORDINAL, stored.ordinal)
    row.add_unsigned(REVISION, stored.revision)
    if document.title:
        title = prepared_text(document.title)
        row.add_text(BODY, title)
        row.add_text(TITLE, title)
    row.add_text(BODY, prepared_text(document.text))
    for path, name in searched_fields(analysis).items():
        if path != TITLE:
            for text in _texts(document.metadata, path):
                row.add_text(name, prepared_text(text))
    return row


def _texts(metadata: Mapping[str, Any], path: str) -> Iterator[str]:
    """What stands at a dotted path as texts, in lists too."""
    if path in metadata:
        yield from _leaves(metadata[path])
    head, dot, rest = path.partition(".")
    inner = metadata.get(head) if dot else None
    for one in inner if isinstance(inner, list) else [inner]:
        if isinstance(one, Mapping):
            yield from _texts(one, rest)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
