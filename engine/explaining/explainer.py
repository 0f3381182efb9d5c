"""The explainer: of each hit which parts its score has, and which words make up each part.

What is told adds up: `rest` is what the parts leave of the score that was served, as where vectors
are kept in fewer bits, or a document has changed since it was indexed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from molt.encoder.checkpoint import Pooling
from molt.encoder.encoder import Encoder, InputType, Lane, TokenVectors
from molt.encoder.kind import Capability
from molt.engine.explaining.dense import (
    MOST_WORDS,
    Contributions,
    Side,
    TextShare,
    contributions,
)
from molt.engine.explaining.leaving_out import leave_each_out
from molt.engine.live.pair import Live
from molt.engine.search.query import Hit, SearchQuery
from molt.engine.search.reranks.reranking import NAME
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import passage_text, text_offset
from molt.index.errors import LexicalError
from molt.index.lexical.explaining import WordShare, explain_words
from molt.index.ranking.fusing import WORDS_POWER
from molt.index.ranking.reranking import Reranking

MOST_EXPLAINED = 20
"""The first hits of a page that are explained; others have no explanation."""


@dataclass(frozen=True)
class _Words:
    """What words add to documents, the most that they could add to any, and how many say so."""

    shares: Sequence[WordShare]
    ceiling: float
    n_words: int
    ordinals: Mapping[str, int]


class Explainer:
    """Explains hits, where a search asks for that."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __call__(
        self, query: SearchQuery, live: Live, hits: Sequence[Hit]
    ) -> list[Mapping[str, Any]]:
        """Of each of the first hits why it has its score. Raises what encoding raises."""
        return self.explained(query, live, hits[:MOST_EXPLAINED])

    def explained(
        self,
        query: SearchQuery,
        live: Live,
        hits: Sequence[Hit],
        *,
        most: int | None = MOST_WORDS,
    ) -> list[Mapping[str, Any]]:
        """The same of all hits, with the `most` words of each passage; all where it is None."""
        if not query.text or not hits:
            return []
        words = None if query.mode == "dense" else self._words(query, live, hits)
        dense = _Dense(query, live.encoder, most) if query.mode != "lexical" else None
        return [
            {
                "parts": _parts(query, live, hit, words),
                "dense": None if dense is None else dense.explained(hit),
                "lexical": None if words is None else _lexical(hit, words),
                "rerank": _rerank(query, hit),
            }
            for hit in hits
        ]

    def _words(self, query: SearchQuery, live: Live, hits: Sequence[Hit]) -> _Words | None:
        index = live.leg.index
        if index is None:
            return None
        found = self._catalog.documents.ordinals(live.collection, [hit.id for hit in hits])
        try:
            weights = live.ranking.fields
            planned = index.plan(query.text, synonyms=query.synonyms, weights=weights)
            shares = explain_words(index, query.text, [*found.values()], weights=weights)
            return _Words(shares, planned.ceiling, planned.n_words, found)
        except LexicalError:
            return None


def _parts(query: SearchQuery, live: Live, hit: Hit, words: _Words | None) -> dict[str, float]:
    """What each stage adds to the score; a re-ranking has moved it by what the others leave."""
    parts = {name: hit.scores[name] for name in ("dense", "lexical", "boost") if name in hit.scores}
    fusion = live.ranking.fusion
    if query.mode == "hybrid" and words is not None and words.ceiling:
        weight = fusion.weight(words.n_words)
        for name in ("dense", "lexical") if weight is None else ():
            parts.pop(name, None)  # ranks are added, not scores
        if weight is not None and "dense" in parts:
            parts["dense"] = weight * min(max(parts["dense"], 0.0), 1.0)
        if weight is not None and "lexical" in parts:
            share = min(parts["lexical"] / words.ceiling, 1.0)
            parts["lexical"] = (1 - weight) * share**WORDS_POWER
    left = NAME if NAME in hit.scores else "rest"
    return {**parts, left: hit.score - sum(parts.values())}


def _rerank(query: SearchQuery, hit: Hit) -> dict[str, Any] | None:
    """What looked at a hit again, and the score that it gave."""
    if not isinstance(query.rerank, Reranking) or NAME not in hit.scores:
        return None
    wanted = query.rerank
    return {"kind": wanted.kind.value, "model": wanted.model, "score": hit.scores[NAME]}


def _lexical(hit: Hit, words: _Words) -> dict[str, Any] | None:
    ordinal, served = words.ordinals.get(hit.id), hit.scores.get("lexical")
    if ordinal is None:
        return None
    told = [
        {"text": one.text, "field": one.field, "rows": one.rows, "score": one.scores[ordinal]}
        for one in words.shares
    ]
    total = sum(one.scores[ordinal] for one in words.shares)
    return {
        "score": served,
        "ceiling": words.ceiling,
        "words": told,
        "rest": None if served is None else served - total,
    }


class _Dense:
    """Explains the cosine of passages with one query."""

    def __init__(self, query: SearchQuery, encoder: Encoder, most: int | None) -> None:
        self._text = query.text
        self._most = most
        self._encoder = encoder
        checkpoint = encoder.checkpoint
        self._is_exact = (
            checkpoint.pooling is Pooling.MEAN and Capability.TOKENS in checkpoint.capabilities
        )
        self._query = self._read(query.text, InputType.QUERY) if self._is_exact else None

    def explained(self, hit: Hit) -> dict[str, Any]:
        """As JSON; `words` of the passage stand in the title or in the text."""
        title, passage = hit.document.title, hit.passage
        text = hit.document.text[passage.start : passage.end]
        read = passage_text(title=title, text=text)
        found, served = self._contributions(read), hit.scores.get("dense")
        place = _Place(text_offset(title=title, text=text), passage.start)
        return {
            "score": served,
            "method": "exact" if self._is_exact else "leave_one_out",
            "query": _side(found.query, [vars(one) for one in found.query.words]),
            "passage": _side(found.passage, [place.told(one) for one in found.passage.words]),
            "pairs": [
                {"query": one.query.text, "passage": one.passage.text, "score": one.score}
                for one in found.pairs
            ],
            "rest": None if served is None else served - found.query.total,
        }

    def _contributions(self, read: str) -> Contributions:
        if self._query is None:
            return leave_each_out(self._encoder, self._text, read)
        passage = self._read(read, InputType.DOCUMENT)
        return contributions(self._query, self._text, passage, read, most=self._most)

    def _read(self, text: str, input_type: InputType) -> TokenVectors:
        (found,) = self._encoder.encode_tokens([text], input_type=input_type, lane=Lane.INTERACTIVE)
        return found


@dataclass(frozen=True)
class _Place:
    """Where a passage stands: its text begins at `offset` in what was read, at `start` in the text.

    What stands before that is the title.
    """

    offset: int
    start: int

    def told(self, share: TextShare) -> dict[str, Any]:
        if share.start < self.offset:
            return vars(share) | {"field": "title"}
        moved = self.start - self.offset
        place = {"start": share.start + moved, "end": share.end + moved}
        return vars(share) | place | {"field": "text"}


def _side(side: Side, words: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"words": list(words), "special": side.special, "others": side.others}
