"""The lexical retriever: documents by the words that they share with the query (BM25).

What it may return is told by the snapshot that vectors are searched in, filter and all. tantivy
knows neither, so more is asked for until enough of it may be returned; where a filter keeps few
documents, only those are looked at.
"""

from dataclasses import dataclass

import numpy as np

from molt.encoder.encoder import InputType
from molt.engine.live.pair import Live
from molt.engine.search.candidates import (
    Candidate,
    Candidates,
    LazyRanking,
    Passage,
    Stopwatch,
)
from molt.engine.search.query import SearchQuery
from molt.index.errors import LexicalError
from molt.index.generations.protocols import Standing, VisibleDocuments
from molt.index.lexical.lexical_index import LexicalIndex, WordHits
from molt.index.lexical.planning import WordQuery
from molt.index.lexical.syntax import AskedWords, Clause
from molt.index.segments.matches.order import GivenScores

_SPARE = 16
"""A few more than are asked for: some may not be live any more, some may have one score."""
_LEAST_SHARE = 0.01
"""Where less is visible than this share, it is known only by looking how much to ask for."""
_MOST_TIED = 10_000
"""Of more documents with the score of the last one, which come first is left to the index."""


@dataclass(frozen=True)
class MatchingWords:
    """All documents that have the words of a query, live or not, and what they score by them.

    The others are as those of a `WordQuery`.
    """

    scores: GivenScores
    ceiling: float
    n_words: int
    binding: bool
    truncated: bool


def words_of(query: SearchQuery, live: Live, watch: Stopwatch) -> MatchingWords | None:
    """The words of a query where all that match them have to be known, and can be asked for."""
    index = live.leg.index
    if index is None or live.snapshot is None or query.mode == "dense" or query.like:
        return None
    asked = _asked(query, index)
    if not _needs_words(query) and (asked.is_loose or query.mode == "lexical"):
        return None
    with watch.timing("words"):
        try:
            planned = planned_words(asked, query, live, index)
            if query.mode == "hybrid" and not (planned.binding or _needs_words(query)):
                return None
            found = index.matching(planned)
        except LexicalError:
            return None
    scores = GivenScores(found.ordinals, found.scores.astype(np.float64))
    return MatchingWords(
        scores, planned.ceiling, planned.n_words, planned.binding, planned.truncated
    )


def _needs_words(query: SearchQuery) -> bool:
    """Does an answer take more than the best documents, signs or not?"""
    whole = not query.by_score or bool(query.pinned)
    if query.mode == "lexical":
        return whole or bool(query.facets)
    return whole or (bool(query.facets) and query.min_score is not None)


def planned_words(
    asked: AskedWords, query: SearchQuery, live: Live, index: LexicalIndex
) -> WordQuery:
    """What is asked for, as the collection weighs its fields. Raises `LexicalError`."""
    return index.plan(asked, synonyms=query.synonyms, weights=live.ranking.fields)


def _asked(query: SearchQuery, index: LexicalIndex) -> AskedWords:
    """The words of a query; in the text of a document no sign has a meaning."""
    if query.input_type is InputType.DOCUMENT:
        return AskedWords((Clause(query.text),))
    return index.read(query.text)


class LexicalRetriever:
    """Searches the lexical index of the pair."""

    name = "lexical"

    def retrieve(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        """As every retriever; where the index cannot be asked, `left_out` says why."""
        if query.like:
            return self._left_out("what documents are like is found by their vectors")
        if live.snapshot is None:
            return Candidates()
        index = live.leg.index
        if index is None:
            return self._left_out(str(live.leg.left_out))
        with watch.timing(self.name):
            visible = live.snapshot.visible(query.where)
            try:
                asked = planned_words(_asked(query, index), query, live, index)
                search = _Search(index, asked, visible, depth=depth, least=query.min_score)
                return search.found(filtered=query.where is not None)
            except LexicalError as error:
                return self._left_out(str(error))

    def _left_out(self, reason: str) -> Candidates:
        return Candidates(left_out={self.name: reason})


@dataclass(frozen=True)
class _Search:
    """One query, at the `depth` best visible documents that score at least `least`."""

    index: LexicalIndex
    asked: WordQuery
    visible: VisibleDocuments
    depth: int
    least: float | None

    def found(self, *, filtered: bool) -> Candidates:
        """What is found, however much of it is not visible."""
        among = self._few() if filtered else None
        k = self.depth + _SPARE + (self._hidden() if among is None else 0)
        while True:
            hits = self.index.search(self.asked, k=k, among=among)
            standing = self.visible.find(hits.ordinals)
            if self._is_enough(hits, standing):
                return self._candidates(hits, standing, filtered=filtered)
            share = max(int(standing.shown.sum()), 1) / len(hits)
            k = min(max(2 * k, int(1.5 * self.depth / share)), hits.total)

    def _hidden(self) -> int:
        """About how many that are not visible come among the best, and some more."""
        share = self.visible.n_documents / max(self.index.n_rows, 1)
        return int(1.25 * self.depth * (1 / min(max(share, _LEAST_SHARE), 1) - 1))

    def _few(self) -> list[int] | None:
        """The documents to look at where that costs less than passing over all the others.

        The former costs what is kept, the latter about `depth` times what there is for each that
        is kept.
        """
        kept = self.visible.n_documents
        if kept * kept > self.depth * self.index.n_rows:
            return None
        ordinals: list[int] = self.visible.ordinals().tolist()
        return ordinals

    def _is_enough(self, hits: WordHits, standing: Standing) -> bool:
        """Can nothing that was not fetched come before what was, or have the score of the last?"""
        if len(hits) >= hits.total:
            return True
        last = hits.scores[-1]
        if self.least is not None and last < self.least:
            return True
        shown = np.flatnonzero(standing.shown)
        if len(shown) < self.depth:
            return False
        return bool(last < hits.scores[shown[self.depth - 1]]) or len(hits) > _MOST_TIED

    def _candidates(self, hits: WordHits, standing: Standing, *, filtered: bool) -> Candidates:
        reaching = standing.shown
        if self.least is not None:
            reaching = reaching & (hits.scores >= np.float32(self.least))
        places = np.flatnonzero(reaching)
        order = places[np.lexsort((hits.ordinals[places], -hits.scores[places]))][: self.depth]
        total, exact = self._total(hits, n_found=len(places), filtered=filtered)
        return Candidates(
            LazyRanking(
                hits.ordinals[order].tolist(),
                hits.scores[order].tolist(),
                lambda at: _candidate(hits, standing, int(order[at])),
            ),
            total,
            exact,
            self.visible.warnings,
            self.asked.truncated,
            ceiling=self.asked.ceiling,
            n_words=self.asked.n_words,
            unknown=self.asked.misspelt,
        )

    def _total(self, hits: WordHits, *, n_found: int, filtered: bool) -> tuple[int, bool]:
        """How many match, and whether that is exact."""
        if len(hits) >= hits.total or (self.least is not None and hits.scores[-1] < self.least):
            return n_found, True
        hidden = max(self.index.n_rows - self.visible.n_documents, 0)
        if filtered or self.least is not None:
            return n_found, False
        return max(n_found, hits.total - hidden), not hidden


def _candidate(hits: WordHits, standing: Standing, place: int) -> Candidate:
    score = float(hits.scores[place])
    return Candidate(
        int(hits.ordinals[place]),
        score,
        Passage(int(standing.starts[place]), int(standing.ends[place])),
        {LexicalRetriever.name: score},
    )
