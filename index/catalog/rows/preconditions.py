"""Preconditions: what must hold of a collection or its documents for a write to happen.

Looked at in the transaction that writes, so nothing comes between. Knows no HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.reading import read_revisions
from molt.index.errors import PreconditionFailedError


@dataclass(frozen=True)
class Precondition:
    """What a write depends on; what is None does not matter.

    `match`: each document that is written has one of these revisions, or, where the collection is
    `counted` too, the collection has. `exist`: they all exist, or none of them does.
    """

    match: frozenset[int] | None = None
    exist: bool | None = None
    counted: bool = False


UNCONDITIONAL = Precondition()


def require_documents(
    given: Precondition,
    connection: Connection,
    collection: Collection,
    doc_ids: Sequence[str],
    *,
    revision: int,
) -> None:
    """Raise `PreconditionFailedError` unless these documents of a collection may be written.

    The collection is at `revision`. However many documents there are, they are asked for together.
    """
    if given.match is not None and given.counted and revision in given.match:
        given = Precondition(exist=given.exist)
    if given == Precondition(counted=given.counted):
        return
    found = read_revisions(connection, collection, doc_ids)
    for doc_id in doc_ids:
        _check(given, doc_id, found[doc_id][1] if doc_id in found else None)


def _check(given: Precondition, doc_id: str, revision: int | None) -> None:
    named = f"document {doc_id[:80]!r}"
    if revision is not None and given.exist is False:
        reason = f"{named} exists already, at revision {revision}; it was not replaced"
    elif revision is None and (given.exist or given.match is not None):
        reason = f"{named} does not exist; leave the condition out to write it all the same"
    elif given.match is not None and revision not in given.match:
        reason = (
            f"{named} has been changed, it is at revision {revision}; read it again and decide anew"
        )
    else:
        return
    raise PreconditionFailedError(reason, revision=revision)
