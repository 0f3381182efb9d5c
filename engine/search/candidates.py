"""Candidates: what a retriever proposes, before anything is known of the documents themselves."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, overload

from molt.artifact.tracing import traced
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


class LazyRanking(Sequence[Candidate]):
    """A ranking whose candidates are made when they are asked for; a slice of it is a tuple.

    Of the hundreds that are fused a page shows ten. `make` makes the one at a place, which has the
    ordinal and the score at that place.
    """

    def __init__(
        self, ordinals: Sequence[int], scores: Sequence[float], make: Callable[[int], Candidate]
    ) -> None:
        self.ordinals = ordinals
        self.scores = scores
        self._make = make

    def __len__(self) -> int:
        return len(self.ordinals)

    @overload
    def __getitem__(self, place: int) -> Candidate: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Candidate, ...]: ...

    def __getitem__(self, place: int | slice) -> Candidate | tuple[Candidate, ...]:
        places = range(len(self))[place]
        return self._make(places) if isinstance(places, int) else tuple(map(self._make, places))


@dataclass(frozen=True)
class Candidates:
    """A ranking by falling score; `total` counts all that match, a lower bound unless `exact`.

    `warnings` say what the filter could not compare.
    `truncated` where the end of the query was not read; `reranked` once a re-ranker was at work.
    `more` where others follow, None where the total tells; `approximate` where not all documents
    were compared. `left_out` are retrievers, and the re-ranker, that could not be asked, by
    their names, each with the reason. No document could score more than `ceiling`; so many
    `n_words` were asked for. `fusion` says how a ranking of several was fused. No document has the
    words of the query that are `unknown`.
    """

    ranking: Sequence[Candidate] = ()
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

    @property
    def ordinals(self) -> Sequence[int]:
        """Those of the ranking."""
        ranking = self.ranking
        if isinstance(ranking, LazyRanking):
            return ranking.ordinals
        return [one.ordinal for one in ranking]

    @property
    def scores(self) -> Sequence[float]:
        """Those of the ranking."""
        ranking = self.ranking
        if isinstance(ranking, LazyRanking):
            return ranking.scores
        return [one.score for one in ranking]


@dataclass
class Stopwatch:
    """The seconds that each stage of one search takes."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timing(self, stage: str) -> "_Timing":
        """Add the time that the block takes to that of `stage`, which is a span where any are."""
        return _Timing(self.seconds, stage)


class _Timing:
    """One block of a stage."""

    __slots__ = ("_began", "_seconds", "_span", "_stage")

    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds = seconds
        self._stage = stage

    def __enter__(self) -> None:
        self._span = traced(f"search.{self._stage}")
        self._span.__enter__()
        self._began = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        spent = time.perf_counter() - self._began
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + spent
        self._span.__exit__(kind, error, traceback)


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


class Fuse(Protocol):
    """Makes one ranking of those of several retrievers."""

    def __call__(
        self, legs: Sequence[Candidates], query: "SearchQuery", live: "Live", *, depth: int
    ) -> Candidates:
        """The `depth` best candidates at least, of `legs` in the retrievers' order."""
        ...


Rerank = Callable[["SearchQuery", "Live", Candidates], Candidates]
"""Gives candidates another order."""
