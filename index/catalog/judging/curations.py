"""Curations: which documents are shown first for a query, and which are not shown.

And what else a collection's searches do where they say nothing of it: `SearchDefaults`. Both are
kept with the collection and change no document. How they are applied is the engine's.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, delete, func, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection, lock_collection
from molt.index.catalog.fields import check_id, check_words
from molt.index.catalog.storage.database import Database
from molt.index.errors import CurationNotFoundError, InvalidFieldError

MOST_CURATED = 100
"""Documents that are pinned for one query, and so many that are hidden."""
_COLUMNS = tables.curations.c
_DEFAULTS = tables.search_defaults.c
_SAID = (_DEFAULTS.curated, _DEFAULTS.boosts, _DEFAULTS.synonyms)


@dataclass(frozen=True)
class Curation:
    """For one query the ids of documents: `pinned` ones come first, in this order, and `hidden`
    ones not at all. The query is `normalised`.
    """

    query: str
    pinned: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchDefaults:
    """`curated` changes with every change of a collection's curations, and is 0 before the first.

    `boosts` is the JSON of how its searches are boosted, None where they are not. `synonyms` is the
    version of its synonyms, 0 before there were any.
    """

    curated: int = 0
    boosts: str | None = None
    synonyms: int = 0


def normalised(query: str) -> str:
    """What two queries share that mean one curation: their letters and the words' order.

    Of compatible characters one (NFKC, Unicode Annex 15), in one case, with single blanks.
    """
    return " ".join(unicodedata.normalize("NFKC", query).casefold().split())


class Curations:
    """All curations and search defaults of the catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def defaults(self) -> Mapping[int, SearchDefaults]:
        """By a collection's id what its searches do; nothing of one where nobody said anything."""
        query = select(_DEFAULTS.collection_id, *_SAID)
        with self._database.reading() as connection:
            return {one: SearchDefaults(*rest) for one, *rest in connection.execute(query)}

    def list(self, collection: Collection) -> tuple[Curation, ...]:
        """Those of a collection, by query."""
        query = select(_COLUMNS.query, _COLUMNS.pinned, _COLUMNS.hidden)
        own = query.where(_COLUMNS.collection_id == collection.id)
        with self._database.reading() as connection:
            found = [_curation(*row) for row in connection.execute(own)]
        return tuple(sorted(found, key=lambda one: one.query))

    def put(self, name: str, curation: Curation, *, most: int) -> Curation:
        """Keep a curation in place of the one for its query; as it is kept.

        Raises `CollectionNotFoundError`, and `InvalidFieldError` for one that says nothing or two
        things of a document, and where a collection would have more than `most`.
        """
        kept = _checked(curation)
        with self._database.writing() as connection:
            collection = lock_collection(connection, name)
            row = {
                "collection_id": collection.id,
                "digest": _digest(kept.query),
                "query": kept.query,
                "pinned": json.dumps(kept.pinned),
                "hidden": json.dumps(kept.hidden),
            }
            connection.execute(self._database.insert_or_update(tables.curations), row)
            own = _COLUMNS.collection_id == collection.id
            count = select(func.count()).select_from(tables.curations).where(own)
            if (connection.scalar(count) or 0) > most:
                raise InvalidFieldError(
                    "curations", f"are {most} already, as many as a collection may have"
                )
            change_defaults(self._database, connection, collection, curated=True)
        return kept

    def remove(self, name: str, query: str) -> None:
        """Remove the curation for a query.

        Raises `CollectionNotFoundError` and `CurationNotFoundError`.
        """
        with self._database.writing() as connection:
            collection = lock_collection(connection, name)
            own = (_COLUMNS.collection_id == collection.id, _COLUMNS.digest == _digest(query))
            if not connection.execute(delete(tables.curations).where(*own)).rowcount:
                raise CurationNotFoundError(
                    f"{name!r} has no curation for {normalised(query)[:80]!r}; `molt curations "
                    "list` shows them"
                )
            change_defaults(self._database, connection, collection, curated=True)

    def boost(self, name: str, boosts: str | None) -> None:
        """Boost the searches of a collection so, by JSON; not at all with None.

        Raises `CollectionNotFoundError`.
        """
        with self._database.writing() as connection:
            collection = lock_collection(connection, name)
            change_defaults(self._database, connection, collection, boosts=boosts)


def read_defaults(connection: Connection, collection: Collection) -> SearchDefaults:
    """What the searches of one collection do, as a transaction of the caller's sees it."""
    own = _DEFAULTS.collection_id == collection.id
    row = connection.execute(select(*_SAID).where(own)).first()
    return SearchDefaults() if row is None else SearchDefaults(*row)


def change_defaults(
    database: Database, connection: Connection, collection: Collection, **changes: Any
) -> SearchDefaults:
    """Count that curations or synonyms changed, or keep other `boosts`; the defaults after that."""
    former = read_defaults(connection, collection)
    after = SearchDefaults(
        former.curated + ("curated" in changes),
        changes.get("boosts", former.boosts),
        former.synonyms + ("synonyms" in changes),
    )
    row = {"collection_id": collection.id, **vars(after)}
    connection.execute(database.insert_or_update(tables.search_defaults), row)
    return after


def _checked(curation: Curation) -> Curation:
    query = normalised(check_words(curation.query, field="query"))
    pinned, hidden = (
        tuple(dict.fromkeys(check_id(one, field=name) for one in given))
        for name, given in (("pinned", curation.pinned), ("hidden", curation.hidden))
    )
    if not pinned and not hidden:
        raise InvalidFieldError("pinned", "and hidden are empty; name a document, or delete it")
    for name, given in (("pinned", pinned), ("hidden", hidden)):
        if len(given) > MOST_CURATED:
            raise InvalidFieldError(name, f"has more than {MOST_CURATED} documents")
    if both := sorted({*pinned} & {*hidden}):
        raise InvalidFieldError("hidden", f"has {both[0][:80]!r}, which is pinned too")
    return Curation(query, pinned, hidden)


def _digest(query: str) -> bytes:
    """Of the normalised query, which may be more than PostgreSQL can index."""
    return blake2b(normalised(query).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _curation(query: str, pinned: str, hidden: str) -> Curation:
    return Curation(query, tuple(json.loads(pinned)), tuple(json.loads(hidden)))
