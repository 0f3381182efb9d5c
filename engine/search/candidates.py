"""Candidates: what a retriever proposes, before anything is known of the documents themselves."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from molt.index.ranking.fusion import QueryFusion
from molt.index.segments.matches.order import Group, Position

if TYPE_CHECKING:
    from molt.engine.live.pair import Live
    from molt.engine.search.query import SearchQuery
    from molt.engine.search.reranks.reranking import Reranked


@dataclass(frozen=True)
class Passage:
    """The characters `start` to `end` of a document's text."""

    start: int
    end: int


@dataclass(frozen=True)
class Candidate:
    """A document, by ordinal, with its best passage; `scores` by the names of retrievers.

    `pinned` where a curation has put it where it is.
    `position` is where it stands in an order that pages can be told by, `group` the one that it
    stands for.
    """

    ordinal: int
    score: float
    passage: Passage
    scores: Mapping[str, float]
    pinned: bool = False
    position: Position | None = None
    group: Group | None = None


@dataclass(frozen=True)
class Candidates:
    """A ranking by falling score; `total` counts all that match, a lower bound unless `exact`.

    `warnings` say what the filter could not compare.
    `truncated` where the end of the query was not read; `reranked` once a re-ranker was at work.
    `more` where others follow, None where the total tells; `approximate` where not all documents
    were compared. `left_out` are retrievers that could not be asked, by their names, each with the
    reason. No document could score more than `ceiling`; so many `n_words` were asked for. `fusion`
    says how a ranking of several was fused. No document has the words of the query that are
    `unknown`.
    """

    ranking: tuple[Candidate, ...] = ()
    total: int = 0
    exact: bool = True
    warnings: tuple[str, ...] = ()
    truncated: bool = False
    reranked: "Reranked | None" = None
    more: bool | None = None
    approximate: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    ceiling: float = 1.0
    n_words: int = 0
    fusion: QueryFusion | None = None
    unknown: tuple[str, ...] = ()


@dataclass
class Stopwatch:
    """The seconds that each stage of one search takes."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to that of `stage`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


class Retriever(Protocol):
    """Finds candidates in one frozen `Live`, and in nothing else."""

    @property
    def name(self) -> str:
        """What its scores are called."""
        ...

    def retrieve(
        self, query: "SearchQuery", live: "Live", *, depth: int, watch: Stopwatch
    ) -> Candidates:
        """The `depth` best candidates, one for a document, or all where there are fewer.

        Raises `UnknownFieldError` and `FilterError` for a filter that cannot be applied.
        """
        ...


Fuse = Callable[[Sequence[Candidates], "SearchQuery", "Live"], Candidates]
"""Makes one ranking of those of several retrievers, given in the retrievers' order."""

Rerank = Callable[["SearchQuery", "Live", Candidates], Candidates]
"""Gives candidates another order."""
