"""Titles: those of all documents of a collection, and of some, without reading a text."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.reading import documents_of
from molt.index.catalog.storage.database import Database, chunks

_COLUMNS = tables.documents.c
_AT_ONCE = 20_000


@dataclass(frozen=True)
class AllTitles:
    """The ordinals of documents, and the title of each."""

    ordinals: Sequence[int]
    titles: Sequence[str]


class Titles:
    """Reads titles; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, collection: Collection, *, limit: int) -> AllTitles:
        """Those of up to `limit` documents that have one, by ordinal."""
        ordinals: list[int] = []
        titles: list[str] = []
        query = (
            select(_COLUMNS.ordinal, _COLUMNS.title)
            .where(documents_of(collection), _COLUMNS.title != "")
            .order_by(_COLUMNS.ordinal)
        )
        while len(ordinals) < limit:
            after = ordinals[-1] if ordinals else -1
            part = query.where(_COLUMNS.ordinal > after)
            most = min(_AT_ONCE, limit - len(ordinals))
            with self._database.reading() as connection:
                found = connection.execute(part.limit(most)).all()
            ordinals += [row.ordinal for row in found]
            titles += [row.title for row in found]
            if len(found) < most:
                break
        return AllTitles(ordinals, titles)

    def at(self, collection: Collection, ordinals: Sequence[int]) -> dict[int, str]:
        """The titles of the documents at these ordinals that there are."""
        query = select(_COLUMNS.ordinal, _COLUMNS.title).where(documents_of(collection))
        with self._database.reading() as connection:
            return {
                ordinal: title
                for chunk in chunks(ordinals)
                for ordinal, title in connection.execute(query.where(_COLUMNS.ordinal.in_(chunk)))
            }
