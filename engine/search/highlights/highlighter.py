"""The highlighter: fragments of hits, marked by words and chosen by meaning, and an answer.

Words are those that the lexical index takes for the query's. Nearness is that of the token vectors
which re-ranking by tokens keeps, so a passage that was looked at before is not encoded again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from molt.encoder.errors import MissingCapabilityError
from molt.encoder.kind import Capability
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.relevance import relevance_logits
from molt.engine.live.pair import Live
from molt.engine.search.highlights.answering import (
    ANSWER_CHARS,
    ANSWER_HITS,
    SentenceAnswer,
    Sentences,
    best_answer,
)
from molt.engine.search.highlights.fragments import Fragment, Highlighting, chosen, fragment_of
from molt.engine.search.highlights.sentences import pieces
from molt.engine.search.lexical import planned_words
from molt.engine.search.query import Hit, Looked, SearchQuery
from molt.index.catalog.document import passage_text, text_offset
from molt.index.errors import LexicalError
from molt.index.lexical.analysis import DEFAULT_ANALYSIS, TITLE, Analyzer
from molt.index.lexical.matching import WordMatch, WordMatcher
from molt.index.lexical.schema import searched_fields
from molt.index.lexical.syntax import parse_words
from molt.index.passages.cutting import Span

MOST_BY_MEANING = 50
"""The first hits whose sentences are compared by meaning; those of others by words alone."""
LONGEST_LOOKED_AT = 50_000
"""So many characters of a passage are looked at."""
_BY_DEFAULT = Analyzer(DEFAULT_ANALYSIS)
_Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Highlighted:
    """Hits with fragments, and the answer; `warnings` say what could not be done."""

    hits: tuple[Hit, ...]
    answer: SentenceAnswer | None = None
    warnings: tuple[str, ...] = ()
    looked: Looked | None = None


class Highlighter:
    """Shows what of hits answers a query, where a search asks for that."""

    def __init__(self, interaction: LateInteraction) -> None:
        self._interaction = interaction

    def __call__(self, query: SearchQuery, live: Live, hits: tuple[Hit, ...]) -> Highlighted:
        """Raises what `LateInteraction.compare_spans` raises, but for a missing capability."""
        wanted, by_meaning, warnings = query.highlight, query.mode != "lexical", []
        try:
            live.encoder.checkpoint.require(Capability.TOKENS)
        except MissingCapabilityError as error:
            by_meaning = False
            if query.answer or query.mode != "lexical":
                warnings.append(f"sentences are not compared by meaning: {error}")
        nearness = _Nearness(self._interaction, query, live)
        if wanted is not None and query.text:
            near = nearness.of(hits[:MOST_BY_MEANING], size=wanted.size) if by_meaning else []
            if by_meaning and len(hits) > MOST_BY_MEANING:
                warnings.append(f"hits after the first {MOST_BY_MEANING} are marked by words alone")
            hits = _Marker(query, live, wanted).marked(hits, near)
        answer = None
        if query.answer and query.text and not (warnings and not by_meaning):
            answer = best_answer(nearness.of(hits[:ANSWER_HITS], size=ANSWER_CHARS))
        return Highlighted(hits, answer, tuple(warnings), nearness.looked)


class _Nearness:
    """Compares sentences with one query, and counts what had to be encoded for that."""

    def __init__(self, interaction: LateInteraction, query: SearchQuery, live: Live) -> None:
        self._interaction = interaction
        self._query = query
        self._live = live
        self.looked = Looked(0, 0)

    def of(self, hits: Sequence[Hit], *, size: int) -> list[Sentences]:
        """The sentences of each hit's passage, in pieces of at most `size` characters."""
        if not hits:
            return []
        spans = [list(pieces(hit.document.text, *_looked_at(hit), size=size)) for hit in hits]
        read = [_ReadPassage(hit) for hit in hits]
        found = self._interaction.compare_spans(
            self._live.encoder,
            self._query.text,
            [one.text for one in read],
            [[one.placed(span) for span in own] for one, own in zip(read, spans, strict=True)],
        )
        before = self.looked
        self.looked = Looked(before.n_passages + len(hits), before.n_encoded + found.n_encoded)
        return [
            Sentences(hit.id, hit.document.text, own, relevance_logits(near))
            for hit, own, near in zip(hits, spans, found.nearness, strict=True)
        ]


class _ReadPassage:
    """The text that the encoder reads for the passage of a hit."""

    def __init__(self, hit: Hit) -> None:
        title, passage = hit.document.title, hit.passage
        text = hit.document.text[passage.start : passage.end]
        self.text = passage_text(title=title, text=text)
        self._moved = text_offset(title=title, text=text) - passage.start

    def placed(self, span: Span) -> tuple[int, int]:
        """Where a span of the document stands in it."""
        return span.start + self._moved, span.end + self._moved


class _Marker:
    """Marks what a query asks for in what `wanted` has room for."""

    def __init__(self, query: SearchQuery, live: Live, wanted: Highlighting) -> None:
        index = live.leg.index
        analyzer = _BY_DEFAULT if index is None else index.analyzer
        asked = parse_words(query.text, fields=searched_fields(analyzer.analysis))
        misspelt: Sequence[str] = ()
        if index is not None:
            try:
                misspelt = planned_words(asked, query, live, index).misspelt
            except LexicalError:  # what is wrong with the index is told by who searches it
                misspelt = ()
        self._body = WordMatcher(asked, analyzer=analyzer, misspelt=misspelt)
        self._title = WordMatcher(asked, analyzer=analyzer, field=TITLE, misspelt=misspelt)
        self._wanted = wanted

    def marked(self, hits: Sequence[Hit], near: Sequence[Sentences]) -> tuple[Hit, ...]:
        """Hits with fragments; `near` are the sentences of the first of them."""
        known = {one.id: one for one in near}
        return tuple(replace(hit, highlights=self._of(hit, known.get(hit.id))) for hit in hits)

    def _of(self, hit: Hit, near: Sentences | None) -> tuple[Fragment, ...]:
        text, passage = hit.document.text, Span(*_looked_at(hit))
        if near is None:
            spans = list(pieces(text, passage.start, passage.end, size=self._wanted.size))
        else:
            spans = list(near.spans)
        before = passage.start
        matches = [
            WordMatch(one.start + before, one.end + before, one.wanted)
            for one in self._body.matches(text[before : passage.end])
        ]
        logits = None if near is None else near.logits
        shown = chosen(spans, matches, logits, most=self._wanted.fragments)
        fragments = [fragment_of(text, span, matches) for span in shown]
        return (*fragments, *self._title_of(hit, len(fragments), is_told=bool(matches)))

    def _title_of(self, hit: Hit, n_shown: int, *, is_told: bool) -> list[Fragment]:
        """The title where it has words of the query, the passage has none, and there is room."""
        title = hit.document.title
        if is_told or n_shown >= self._wanted.fragments:
            return []
        matches = self._title.matches(title[:LONGEST_LOOKED_AT])
        spans = pieces(title, 0, min(len(title), LONGEST_LOOKED_AT), size=self._wanted.size)
        found = chosen(list(spans), matches, None, most=1)
        return [fragment_of(title, span, matches, field="title") for span in found]


def _looked_at(hit: Hit) -> tuple[int, int]:
    """The characters of the passage that are looked at."""
    start = min(hit.passage.start, len(hit.document.text))
    return start, min(hit.passage.end, len(hit.document.text), start + LONGEST_LOOKED_AT)
