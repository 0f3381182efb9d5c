"""Grading: a person's word on a document, kept as a judgment. And which are worth asking for.

What would teach most is looked for among the documents that the modes of searching rank best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from molt.engine.engine import Engine
from molt.engine.search.candidates import Passage
from molt.engine.search.preparing import AskedText
from molt.engine.search.query import Hit
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.pages import Selection
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Judgment, Query

MOST_GRADE = 3
_TYPED = "typed-"
_MOST_JUDGED = 1000
_MOST_CHARS = 2**24


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


def keep_grade(  # noqa: PLR0913  each by name
    engine: Engine,
    collection: Collection,
    query: Query,
    doc_id: str,
    grade: int,
    *,
    split: str | None = None,
) -> None:
    """Keep a judgment in the split that those of its query are in, else in `split`.

    A query that was imported stays as it is; one that was typed is kept beside it.
    """
    kept = engine.catalog.judged.judgments(collection, Selection(query.id), limit=_MOST_JUDGED)
    splits = {one.doc_id: one.split for one in kept}
    own = splits.get(doc_id, next(iter(splits.values()), split))
    typed = [query] if query.id.startswith(_TYPED) else []
    judgment = Judgment(query.id, doc_id, grade, own)
    engine.catalog.judgments.put(collection, queries=typed, judgments=[judgment])


def judging_split(engine: Engine, collection: Collection) -> SplitName | None:
    """The split of grades that encoders are to be judged by; None where a hash has to draw it.

    So it has while judgments name train and none names test: the first that did would be all of
    test, and what was drawn for it until then would be learnt from.
    """
    judged = engine.catalog.judged
    by_name, drawn = (
        bool(judged.judgments(collection, Selection(split=name), limit=1))
        for name in (SplitName.TEST, SplitName.TRAIN)
    )
    return SplitName.TEST if by_name or not drawn else None


def most_telling(
    engine: Engine, collection: Collection, queries: Sequence[Query]
) -> list[PooledQuery]:
    """Queries by how many documents of their pools have no grade, the most first.

    Raises as the engine's searches do.
    """
    engine.searcher.prepare(AskedText(one.text, collection.name) for one in queries)
    pools = [pooled_query(engine, collection, one) for one in queries]
    return sorted(pools, key=lambda one: (-one.unjudged, one.query.id))


def differently_ranked(
    engine: Engine, collection: Collection, listed: Sequence[Mapping[str, Any]]
) -> list[PooledQuery]:
    """The queries that a report lists, with the documents that both of its checkpoints rank best.

    In the report's order; documents that are gone are left out.
    """
    wanted = dict.fromkeys(doc_id for one in listed for doc_id in one["doc_ids"])
    chosen = engine.catalog.documents.get_many(collection, [*wanted], max_chars=_MOST_CHARS)
    found = {one.document.id: one.document for one in chosen.documents}
    pools = []
    for one in listed:
        documents = [found[doc_id] for doc_id in one["doc_ids"] if doc_id in found]
        hits = [
            Hit(document.id, 0.0, rank, document, Passage(0, len(document.text)), {})
            for rank, document in enumerate(documents, start=1)
        ]
        query = Query(one["query_id"], one["query"])
        pools.append(PooledQuery(query, hits, kept_grades(engine, collection, query.id)))
    return pools


def pooled_query(engine: Engine, collection: Collection, query: Query) -> PooledQuery:
    """The documents that any mode ranks among its ten best.

    Which mode found one is not told: who grades should not know.
    """
    hits = engine.searcher.pool(query.text, collection.name)
    return PooledQuery(query, hits, kept_grades(engine, collection, query.id))
