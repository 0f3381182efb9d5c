"""Changing: what moved between two searches for one query, and which words moved it.

The two may be of different generations, modes or re-rankings. Of each document the score is taken
apart under both, and the parts are subtracted: what is told of a document adds up to the difference
of its scores. Which words make up a score is `explainer`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from molt.engine.explaining.explainer import MOST_EXPLAINED, Explainer
from molt.engine.explaining.moved import Moved, moved_dense, moved_lexical, moved_parts
from molt.engine.explaining.standing import WINDOW, found_alone
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Stopwatch
from molt.engine.search.curating import without_hidden
from molt.engine.search.lexical import words_of
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import Hit, SearchQuery
from molt.engine.search.reranks.reranking import as_tuned
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import Document
from molt.index.errors import DocumentNotFoundError

DocumentMove = Literal["entered", "left", "up", "down", "same", "outside"]
_MOST_TITLE = 120


@dataclass(frozen=True)
class ComparedSearch:
    """A query, the pair that answers it, and by which stages."""

    query: SearchQuery
    live: Live
    pipeline: Pipeline


@dataclass(frozen=True)
class DocumentChange:
    """A document under two searches; `rank` from 1 on, None where it is not among those looked at.

    `score` is None in the one that does not find it at all, and so is then its difference.
    `parts`, by their names, add up to the difference of the scores; `dense` and `lexical` say by
    words how the scores of these two retrievers differ. They are None where one of the searches
    has no such score, or where the document is not among the first that are explained. It is
    "outside" where neither shows it and one does not rank it.
    """

    id: str
    title: str
    move: DocumentMove
    rank: Moved
    score: Moved
    parts: Mapping[str, Moved]
    dense: Mapping[str, Any] | None
    lexical: Mapping[str, Any] | None

    def describe(self) -> dict[str, Any]:
        """It as JSON."""
        parts = {name: one.describe() for name, one in self.parts.items()}
        places = {"rank": self.rank.describe(), "score": self.score.describe()}
        return vars(self) | places | {"parts": parts}


@dataclass(frozen=True)
class SearchChange:
    """The documents that either of two searches shows: first as the latter has them, then those
    that left.

    `before` and `now` are the generations that answered.
    """

    before: str | None
    now: str | None
    documents: Sequence[DocumentChange]

    def describe(self) -> dict[str, Any]:
        """It as JSON."""
        documents = [one.describe() for one in self.documents]
        return {"before": self.before, "now": self.now, "documents": documents}


def find_changes(
    before: ComparedSearch,
    now: ComparedSearch,
    *,
    catalog: Catalog,
    explainer: Explainer,
    doc_id: str | None = None,
) -> SearchChange:
    """What moved from `before` to `now` among the first hits, or of one document alone.

    The first 20 are explained. Raises what a search for the query would raise, and
    `DocumentNotFoundError`.
    """
    sides = _Ranking(before, catalog), _Ranking(now, catalog)
    former, latter = (side.shown for side in sides)
    ids = [*latter, *(one for one in former if one not in latter)]
    if doc_id is not None:
        if not catalog.documents.ordinals(now.live.collection, [doc_id]):
            name = now.live.collection.name
            raise DocumentNotFoundError(f"{name!r} has no document {doc_id[:80]!r}")
        ids = [doc_id]
    places = [side.places(ids) for side in sides]
    told = [
        side.explained([found[one] for one in ids[:MOST_EXPLAINED] if one in found], explainer)
        for side, found in zip(sides, places, strict=True)
    ]
    documents = [
        _change([side.get(one) for side in places], [side.get(one) for side in told])
        for one in ids
        if any(one in side for side in places)
    ]
    return SearchChange(_generation(before.live), _generation(now.live), documents)


@dataclass(frozen=True)
class _Place:
    """A document in a ranking; no `rank` where it was found only by looking for nothing else."""

    hit: Hit
    rank: int | None
    shown: bool = True


class _Ranking:
    """What one of the searches shows, and where it has other documents."""

    def __init__(self, asked: ComparedSearch, catalog: Catalog) -> None:
        self._catalog, self._live, self._pipeline = catalog, asked.live, asked.pipeline
        plain = replace(asked.query, explain=False, highlight=None, answer=False)
        self._query = as_tuned(plain, asked.live)
        answer = asked.pipeline.search(plain, live=asked.live, catalog=catalog)
        self._reranking = None if answer.reranked is None else answer.reranked.wanted
        self.shown = {hit.id: _Place(hit, hit.rank) for hit in answer.page.hits}

    def places(self, ids: Sequence[str]) -> dict[str, _Place]:
        """Where these documents stand; one that it does not find at all is left out."""
        missing = [one for one in ids if one not in self.shown]
        found = self._beyond(missing) if missing else {}
        return {one: place for one in ids if (place := self.shown.get(one) or found.get(one))}

    def explained(
        self, places: Sequence[_Place], explainer: Explainer
    ) -> dict[str, Mapping[str, Any]]:
        """What makes up the score of each, with all words of its passage."""
        query = replace(self._query, rerank=self._reranking)
        hits = [one.hit for one in places]
        told = explainer.explained(query, self._live, hits, most=None)
        return {hit.id: one for hit, one in zip(hits, told, strict=False)}

    def _beyond(self, ids: Sequence[str]) -> dict[str, _Place]:
        """The same of documents that are not among the first hits."""
        live = self._live
        query = replace(self._query, words=words_of(self._query, live, Stopwatch()))
        ordinals = self._catalog.documents.ordinals(live.collection, ids)
        stored = self._catalog.documents.hydrate(live.collection, [*ordinals.values()])
        deep, depth = without_hidden(query, live), max(WINDOW, query.k)
        found = self._pipeline.ranked(deep, live, depth=depth, watch=Stopwatch())
        ranks = {ordinal: at for at, ordinal in enumerate(found.ordinals, start=1)}
        places = {}
        for doc_id, ordinal in ordinals.items():
            rank, candidate = ranks.get(ordinal), None
            if rank is not None:
                candidate = found.ranking[rank - 1]
            elif ordinal in stored:
                candidate = self._alone(query, doc_id)
            if candidate is not None and ordinal in stored:
                hit = _hit(doc_id, stored[ordinal].document, candidate)
                places[doc_id] = _Place(hit, rank, shown=False)
        return places

    def _alone(self, query: SearchQuery, doc_id: str) -> Candidate | None:
        alone = replace(query, where=None, min_score=None, rerank=None)
        return found_alone(self._pipeline, alone, doc_id, self._live)


def _hit(doc_id: str, document: Document, found: Candidate) -> Hit:
    return Hit(doc_id, found.score, 0, document, found.passage, found.scores)


def _generation(live: Live) -> str | None:
    return live.snapshot.manifest.id if live.snapshot else None


def _change(
    places: Sequence[_Place | None], told: Sequence[Mapping[str, Any] | None]
) -> DocumentChange:
    """One document, as `before` and `now` have it."""
    before, now = places
    hit = next(one.hit for one in (now, before) if one is not None)
    former, latter = told
    parts: Mapping[str, Moved] = {}
    if former is not None and latter is not None:
        parts = moved_parts(former["parts"], latter["parts"])
    return DocumentChange(
        id=hit.id,
        title=hit.document.title or hit.document.text[:_MOST_TITLE],
        move=_move(before, now),
        rank=Moved(*(None if one is None else one.rank for one in places)),
        score=Moved(*(None if one is None else one.hit.score for one in places)),
        parts=parts,
        dense=_of_both("dense", told, moved_dense),
        lexical=_of_both("lexical", told, moved_lexical),
    )


def _of_both(
    name: str,
    told: Sequence[Mapping[str, Any] | None],
    moved: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]],
) -> dict[str, Any] | None:
    before, now = (None if one is None else one[name] for one in told)
    return None if before is None or now is None else moved(before, now)


def _move(before: _Place | None, now: _Place | None) -> DocumentMove:
    """How a document moved, as the first hits of both show it."""
    was_shown, is_shown = (one is not None and one.shown for one in (before, now))
    if was_shown != is_shown:
        return "entered" if is_shown else "left"
    former, latter = (None if one is None else one.rank for one in (before, now))
    if former is None or latter is None:
        return "outside"
    return "same" if former == latter else "up" if latter < former else "down"
