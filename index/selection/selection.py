"""Selection: which documents of a collection a filter keeps, whether they are indexed or not.

Asks the catalog, which has them all: what waits to be indexed, and what cannot be encoded, too. The
answer is what a search would give if everything were indexed, so what kind a field has is known of
the whole collection before any document is compared. Costs a reading of all metadata, some
documents at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.documents import Ack
from molt.index.errors import UnknownFieldError
from molt.index.segments.attributes import attributes_of
from molt.index.segments.field_kinds import FieldKinds, field_kinds
from molt.index.segments.filters.clauses import Filter, conditions
from molt.index.segments.filters.matching import matching_documents
from molt.index.segments.scalar import ID_FIELD, shown_field

BATCH = 1000
"""So many documents are deleted in one transaction."""


@dataclass(frozen=True)
class MatchingDocuments:
    """The ordinals of documents as they were at `revision` of their collection."""

    collection: Collection
    ordinals: tuple[int, ...]

    @property
    def revision(self) -> int:
        """Of the collection: what was written later is not meant."""
        return self.collection.revision

    def parts(self) -> Iterator["MatchingDocuments"]:
        """As much of it as one transaction deletes, and the rest."""
        for start in range(0, len(self.ordinals), BATCH):
            yield MatchingDocuments(self.collection, self.ordinals[start : start + BATCH])


def select_matching(catalog: Catalog, name: str, where: Filter) -> MatchingDocuments:
    """The documents that `where` keeps, of those that are there when this begins.

    Raises `UnknownFieldError` for a field that none of them has, wherever it stands, `FilterError`
    for an impossible range or a value of a kind that its field does not hold, and
    `CollectionNotFoundError`.
    """
    collection = catalog.collections.get(name)
    kinds = FieldKinds({})
    for batch in catalog.documents.metadata(collection):
        kinds |= field_kinds(where, attributes_of(batch.metadata, ids=batch.ids))
    _check_known(where, kinds)
    found: list[int] = []
    for batch in catalog.documents.metadata(collection):
        mask = matching_documents(where, ids=batch.ids, metadata=batch.metadata)
        found += np.asarray(batch.ordinals, np.int64)[mask].tolist()
    return MatchingDocuments(collection, tuple(found))


def delete_selected(
    catalog: Catalog, part: MatchingDocuments, *, match: frozenset[int] | None = None
) -> Ack:
    """Delete what was selected and not changed since, in one transaction.

    Raises `PreconditionFailedError` unless the collection has one of the revisions `match`.
    """
    return catalog.documents.delete_at(
        part.collection, part.ordinals, revision=part.revision, match=match
    )


def _check_known(where: Filter, fields: FieldKinds) -> None:
    fields.check(where)
    for path, condition in conditions(where):
        if condition.field != ID_FIELD and not fields.kinds.get(condition.field):
            field = shown_field(condition.field)
            reason = f"no document has a field '{field}', so asking whether it exists"
            raise UnknownFieldError(f"{path}.field", f"{reason} chooses all documents or none")
    fields.check_operands(where)
