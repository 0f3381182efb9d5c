"""Grading: a person's word on a document, kept as a judgment. And which are worth asking for.

What would teach most is looked for among the documents that the modes of searching rank best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from molt.engine.engine import Engine
from molt.engine.search.preparing import AskedText
from molt.engine.search.query import Hit
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.pages import Selection
from molt.index.catalog.judgments import Judgment, Query

MOST_GRADE = 3
_TYPED = "typed-"
_MOST_JUDGED = 1000


@dataclass(frozen=True)
class PooledQuery:
    """A query, the documents that any mode ranks among its best, and the grades that there are."""

    query: Query
    hits: Sequence[Hit]
    grades: Mapping[str, int]

    @property
    def judged(self) -> int:
        """How many of the documents have a grade."""
        return sum(hit.id in self.grades for hit in self.hits)

    @property
    def unjudged(self) -> int:
        """How many have none."""
        return len(self.hits) - self.judged


def judged_query_id(text: str) -> str:
    """The id of a query that people typed, alike for everybody who types it."""
    return _TYPED + blake2b(text.strip().casefold().encode(), digest_size=12).hexdigest()


def kept_grades(engine: Engine, collection: Collection, query_id: str) -> dict[str, int]:
    """The grades of a query by the ids of documents."""
    kept = engine.catalog.judged.judgments(collection, Selection(query_id), limit=_MOST_JUDGED)
    return {one.doc_id: one.grade for one in kept}


def keep_grade(
    engine: Engine, collection: Collection, query: Query, doc_id: str, grade: int
) -> None:
    """Keep a judgment in the split that those of its query are in.

    A query that was imported stays as it is; one that was typed is kept beside it.
    """
    kept = engine.catalog.judged.judgments(collection, Selection(query.id), limit=_MOST_JUDGED)
    splits = {one.doc_id: one.split for one in kept}
    split = splits.get(doc_id, next(iter(splits.values()), None))
    typed = [query] if query.id.startswith(_TYPED) else []
    judgment = Judgment(query.id, doc_id, grade, split)
    engine.catalog.judgments.put(collection, queries=typed, judgments=[judgment])


def most_telling(
    engine: Engine, collection: Collection, queries: Sequence[Query]
) -> list[PooledQuery]:
    """Queries by how many documents of their pools have no grade, the most first.

    Raises as the engine's searches do.
    """
    engine.searcher.prepare(AskedText(one.text, collection.name) for one in queries)
    pools = [pooled_query(engine, collection, one) for one in queries]
    return sorted(pools, key=lambda one: (-one.unjudged, one.query.id))


def pooled_query(engine: Engine, collection: Collection, query: Query) -> PooledQuery:
    """The documents that any mode ranks among its ten best.

    Which mode found one is not told: who grades should not know.
    """
    hits = engine.searcher.pool(query.text, collection.name)
    return PooledQuery(query, hits, kept_grades(engine, collection, query.id))
