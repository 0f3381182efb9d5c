"""A query and its answer: what is searched for, and what is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from molt.encoder.encoder import InputType
from molt.engine.search.candidates import Passage
from molt.engine.search.cursor import Cursor
from molt.engine.search.highlights.answering import SentenceAnswer
from molt.engine.search.highlights.fragments import Fragment, Highlighting
from molt.engine.search.reranks.reranking import AS_TUNED, Reranked, WantedReranking
from molt.index.catalog.document import Document
from molt.index.lexical.synonyms import NO_SYNONYMS, Synonyms
from molt.index.ranking.field_weights import FieldWeights
from molt.index.ranking.fusion import QueryFusion
from molt.index.ranking.reranking import Reranking
from molt.index.segments.exact import Rows, Vectors
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.matches.facets import Facet, FacetCounts
from molt.index.segments.matches.order import Group, SortField

if TYPE_CHECKING:
    from molt.engine.search.boosting import Boost
    from molt.engine.search.lexical import MatchingWords
Mode = Literal["hybrid", "dense", "lexical"]
"""By what documents are found: what they mean, their words, or both."""


@dataclass(frozen=True)
class SearchQuery:
    """What is searched for: hits `offset` to `offset + k` of the ranking.

    By `text`, which is compared as an `input_type`; or with `like` in its place what is like these
    documents of the collection, by the `vector` `(dim,) float32` that the pipeline finds of them.
    The `words` are those that it finds where it asks for the whole match.
    Boosted as the collection says unless it has `boosts`, and curated by `pinned` and `hidden` ids.
    `synonyms` are the collection's.
    With `max_chars` only the first hits whose documents together have so many characters.
    Re-ranked as the collection was tuned unless `rerank` says otherwise; `tuned` once it says what
    that is, which is then left out where it cannot be done.
    A `cursor` stands for what its answer showed, in place of `offset`. Hits come by score, or by
    the fields of `sort`; with `group_by`, a field, only the first of each group does. With
    `highlight` hits show fragments, with `answer` the likeliest sentence of the best is named,
    with `explain` it is told why each hit is where it is.
    """

    text: str
    collection: str
    k: int = 10
    offset: int = 0
    mode: Mode = "hybrid"
    where: Filter | None = None
    min_score: float | None = None
    max_chars: int | None = None
    like: tuple[str, ...] = ()
    input_type: InputType = InputType.QUERY
    boosts: "tuple[Boost, ...] | None" = None
    pinned: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    sort: tuple[SortField, ...] = ()
    group_by: str | None = None
    cursor: Cursor | None = None
    vector: Vectors | None = field(default=None, compare=False)
    words: "MatchingWords | None" = field(default=None, compare=False)
    rerank: WantedReranking = AS_TUNED
    tuned: bool = field(default=False, compare=False)
    synonyms: Synonyms = field(default=NO_SYNONYMS, compare=False)
    highlight: Highlighting | None = None
    answer: bool = False
    explain: bool = False

    @property
    def by_likeness(self) -> bool:
        """Is it for what is like documents or a text, which is told by meaning alone?"""
        return bool(self.like) or self.input_type is InputType.DOCUMENT

    @property
    def among(self) -> Rows | None:
        """The documents that alone are wanted, by ordinal, where words tell them."""
        words = self.words
        told = words is not None and (words.binding or self.mode == "lexical")
        return words.scores.ordinals if words is not None and told else None

    @property
    def depth(self) -> int:
        """How many candidates are needed to answer it."""
        asked = self.rerank if self.by_score else None
        again = asked.depth if isinstance(asked, Reranking) else 0
        return max(self.start + self.k, again)

    @property
    def by_score(self) -> bool:
        """Are hits to come by their scores, each document by itself?"""
        return not self.sort and self.group_by is None

    @property
    def ranked(self) -> bool:
        """Is the answer found among the best of everything, from the first on?"""
        return self.by_score and (self.cursor is None or self.cursor.counts)

    @property
    def passed(self) -> int:
        """How many hits come before those that are searched for."""
        return self.offset if self.cursor is None else self.cursor.rank

    @property
    def start(self) -> int:
        """How many candidates of the retrievers are passed over by counting them."""
        if self.cursor is None:
            return self.offset
        return self.cursor.rank if self.cursor.counts else 0


@dataclass(frozen=True)
class Hit:
    """A document in a ranking: `rank` starts at 1, `passage` is its best one.

    `scores` are those of the retrievers that found it, by their names; `explanation` says why it is
    where it is, where that was asked for; `pinned` that a curation has put it there;
    `group` is the one that it stands for; `highlights` are fragments of its passage; `arm` that of
    an experiment that has drawn it.
    """

    id: str
    score: float
    rank: int
    document: Document
    passage: Passage
    scores: Mapping[str, float]
    explanation: Mapping[str, Any] | None = None
    pinned: bool = False
    group: Group | None = None
    highlights: tuple[Fragment, ...] = ()
    arm: Literal["a", "b"] | None = None


@dataclass(frozen=True)
class Looked:
    """How many passages were looked at sentence by sentence, `n_encoded` of which anew."""

    n_passages: int
    n_encoded: int


@dataclass(frozen=True)
class Page:
    """Part of a ranking; `total` counts all of it, or is a lower bound unless `exact_total`.

    `following` is where the part after it begins, None where nothing comes after it.
    """

    hits: tuple[Hit, ...]
    total: int
    exact_total: bool
    following: Cursor | None = None


@dataclass(frozen=True)
class ComparedBy:
    """The experiment that an answer is part of, and the `query_id` under which clicks count."""

    number: int
    method: str
    query_id: str

    def describe(self) -> dict[str, Any]:
        """As answers tell it."""
        return {"number": self.number, "method": self.method}


@dataclass(frozen=True)
class SearchAnswer:
    """A page, the encoder and index that made it, and the `seconds` of each stage by its name.

    `warnings` say what of the query could not be done as it was meant. `truncated` where the end of
    the query was not read. `reranked` where it was asked for, or tuned. `facets` count over
    everything that matches. `left_out` are retrievers that `mode` asks for, and the re-ranker that
    was tuned, which could not be asked; where several retrievers were, `fusion` says how their
    scores were fused. `fields` are the weights by which words count that a document has in them,
    where they were tuned. `did_you_mean` is the query with words that documents have. `answer` is
    the sentence that was asked for, if there is one; `highlighting` how fragments are written, and
    `looked` what was looked at for either. `compared` where two arms of an experiment made it, and
    then the encoder and index are those of one of them.
    """

    generation: str | None
    checkpoint: str
    page: Page
    seconds: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    truncated: bool = False
    reranked: Reranked | None = None
    facets: FacetCounts = field(default_factory=dict)
    mode: Mode = "hybrid"
    left_out: tuple[str, ...] = ()
    fusion: QueryFusion | None = None
    fields: FieldWeights = field(default_factory=dict)
    did_you_mean: str | None = None
    answer: SentenceAnswer | None = None
    highlighting: Highlighting | None = None
    looked: Looked | None = None
    compared: ComparedBy | None = None

    @property
    def encode_seconds(self) -> float:
        """What encoding the query took."""
        return self.seconds.get("encode", 0.0)

    @property
    def search_seconds(self) -> float:
        """What everything else took."""
        return sum(self.seconds.values()) - self.encode_seconds
