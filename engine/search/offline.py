"""Offline search: what hybrid searches find for queries that are judged, and nobody waits for.

Over what serves a collection, or over a corpus under an encoder that no generation was made with
yet. Both legs are asked as a search asks them. Knows nothing of judgments.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from molt.encoder import CrossEncoder, Encoder
from molt.encoder.vector_cache import OnProgress, quiet
from molt.engine.live.pair import Live
from molt.engine.runs import CorpusPassages, rank_corpus
from molt.engine.search.candidates import Candidate, Stopwatch
from molt.engine.search.dense import DenseRetriever
from molt.engine.search.fusing import POOL, leg_hits
from molt.engine.search.lexical import LexicalRetriever, words_of
from molt.engine.search.query import SearchQuery
from molt.engine.search.reranks.heads import candidate_text
from molt.engine.search.reranks.rescoring import Rescoring
from molt.index.catalog.catalog import Catalog
from molt.index.errors import LexicalError
from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.schema import field_weights
from molt.index.lexical.synonyms import NO_SYNONYMS, Synonyms, read_synonyms
from molt.index.ranking.field_weights import FieldWeights
from molt.index.ranking.fusing import FusedHits, LegHits, fuse
from molt.index.ranking.mixing import mixed_scores
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking

_Ids = npt.NDArray[np.int64]
_Scores = npt.NDArray[np.float64]
Legs = tuple[LegHits, LegHits]
"""What the dense leg finds for a query, and the lexical one."""

_NOTHING = LegHits(np.empty(0, np.int64), np.empty(0, np.float64), whole=True)


class OfflineSearch(Protocol):
    """Some queries, each by its place, over documents that are known by numbers."""

    @property
    def rescoring(self) -> Rescoring:
        """What can look again at what was found."""
        ...

    @property
    def fields(self) -> FieldWeights:
        """Where words may be looked for beside the text, as the analysis weighs it."""
        ...

    def legs(self, at: int, *, fields: FieldWeights) -> Legs:
        """What both legs find for the query at this place, as deep as a search looks.

        Words count in `fields` by these weights.
        """
        ...

    def second_scores(
        self, at: int, ids: _Ids, wanted: Reranking, *, fields: FieldWeights
    ) -> _Scores:
        """What a re-ranker says of these documents `(m,)`, which the query's legs found."""
        ...


def rank_offline(search: OfflineSearch, at: int, ranking: SearchRanking) -> FusedHits:
    """The ranking of one query as a hybrid search has it that is configured so."""
    fused = fuse(*search.legs(at, fields=ranking.fields), ranking.fusion)
    return _reranked(search, at, fused, ranking)


class CorpusSearch:
    """Compares each query with all of a corpus, of which a document's number is its place.

    `passages` are what an index of it would hold under the encoder; vectors that `cache` holds are
    taken from there. Raises `UnsoundVectorsError`, what encoding raises, and `LexicalError`.
    """

    def __init__(  # noqa: PLR0913  each by name
        self,
        encoder: Encoder,
        *,
        passages: CorpusPassages,
        words: LexicalIndex,
        queries: Sequence[str],
        cache: Path,
        cross_encoders: Sequence[CrossEncoder] = (),
        synonyms: Synonyms = NO_SYNONYMS,
        progress: OnProgress = quiet,
    ) -> None:
        self._passages = passages
        self._words = words
        self._synonyms = synonyms
        self._queries = queries
        self.rescoring = Rescoring(encoder, cross_encoders)
        self.dense = rank_corpus(
            encoder, passages=passages, queries=queries, cache=cache, depth=POOL, progress=progress
        )

    @property
    def fields(self) -> FieldWeights:
        """As every offline search."""
        return field_weights(self._words.commit.analysis)

    def legs(self, at: int, *, fields: FieldWeights) -> Legs:
        """As every offline search."""
        scores = self.dense.scores[at].astype(np.float64)
        rows = self.dense.rows[at].astype(np.int64)
        dense = LegHits(rows, scores, whole=len(rows) >= len(self._passages.first))
        asked = self._words.plan(self._queries[at], synonyms=self._synonyms, weights=fields)
        hits = self._words.search(asked, k=POOL)
        found = hits.scores.astype(np.float64)
        order = np.lexsort((hits.ordinals, -found))
        whole = len(hits) >= hits.total
        lexical = LegHits(hits.ordinals[order], found[order], asked.ceiling, whole, asked.n_words)
        if asked.binding:
            kept = np.isin(dense.ids, self._words.matching(asked).ordinals)
            dense = LegHits(dense.ids[kept], dense.scores[kept], dense.ceiling, dense.whole)
        return _as_searched(dense, lexical)

    def second_scores(
        self, at: int, ids: _Ids, wanted: Reranking, *, fields: FieldWeights
    ) -> _Scores:
        """As every offline search; of a document that words alone found it is the first passage."""
        del fields
        best = dict(
            zip(self.dense.rows[at].tolist(), self.dense.passages[at].tolist(), strict=True)
        )
        first = self._passages.first
        texts = [self._passages.texts[best.get(one, first[one])] for one in ids.tolist()]
        return self.rescoring.scores(wanted, self._queries[at], texts)


class LiveSearch:
    """Asks what serves a collection, of which a document's number is its ordinal.

    `catalog`, which has the synonyms, may be an excerpt. Raises `LexicalError` where words cannot
    be asked.
    """

    def __init__(
        self,
        live: Live,
        *,
        catalog: Catalog,
        queries: Sequence[str],
        cross_encoders: Sequence[CrossEncoder] = (),
    ) -> None:
        if live.leg.index is None:
            raise LexicalError(f"the lexical index cannot be asked: {live.leg.left_out}")
        self._live = live
        self._index = live.leg.index
        self._catalog = catalog
        self._queries = queries
        self._synonyms = Synonyms(read_synonyms(catalog.synonyms.get(live.collection).rules))
        self._found: tuple[tuple[int, FieldWeights] | None, dict[int, Candidate]] = (None, {})
        self.rescoring = Rescoring(live.encoder, cross_encoders)

    @property
    def fields(self) -> FieldWeights:
        """As every offline search."""
        return field_weights(self._index.commit.analysis)

    def legs(self, at: int, *, fields: FieldWeights) -> Legs:
        """As every offline search. Raises `LexicalError`."""
        live, watch = self._live, Stopwatch()
        ranking = SearchRanking(fields=fields)
        live = replace(live, collection=replace(live.collection, ranking=ranking))
        query = SearchQuery(self._queries[at], live.collection.name, synonyms=self._synonyms)
        query = replace(query, words=words_of(query, live, watch))
        dense = DenseRetriever().retrieve(query, live, depth=POOL, watch=watch)
        lexical = LexicalRetriever().retrieve(query, live, depth=POOL, watch=watch)
        for reason in lexical.left_out.values():
            raise LexicalError(reason)
        known = {one.ordinal: one for leg in (lexical, dense) for one in leg.ranking}
        self._found = (at, fields), known
        return _as_searched(leg_hits(dense), leg_hits(lexical))

    def second_scores(
        self, at: int, ids: _Ids, wanted: Reranking, *, fields: FieldWeights
    ) -> _Scores:
        """As every offline search."""
        if self._found[0] != (at, fields):
            self.legs(at, fields=fields)
        stored = self._catalog.documents.hydrate(self._live.collection, ids.tolist())
        known = self._found[1]
        texts = [candidate_text(stored[one].document, known[one]) for one in ids.tolist()]
        return self.rescoring.scores(wanted, self._queries[at], texts)


def _as_searched(dense: LegHits, lexical: LegHits) -> Legs:
    """Both legs as the fuse stage takes them: where words ask for nothing the dense one alone."""
    return (dense, lexical) if lexical.ceiling else (dense, _NOTHING)


def _reranked(
    search: OfflineSearch, at: int, fused: FusedHits, ranking: SearchRanking
) -> FusedHits:
    """The best of what is fused by what re-ranks them, where something does."""
    wanted = ranking.rerank
    if wanted is None or not search.rescoring.can(wanted) or not len(fused.ids):
        return fused
    ids, scores = fused.ids.copy(), fused.scores.copy()
    head = slice(0, wanted.depth)
    second = search.second_scores(at, ids[head], wanted, fields=ranking.fields)
    mixed = mixed_scores(scores[head], second, weight=wanted.usual_weight)
    order = np.argsort(-mixed, kind="stable")
    ids[head], scores[head] = ids[head][order], np.sort(scores[head])[::-1]
    return FusedHits(ids, scores, fused.beyond)
