"""Columns of a comparison: how each ranks, and where its documents stand beside the first one's."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.validation import validate
from molt.app.routes.search.endpoints import query_of
from molt.app.routes.search.schemas import SearchBody
from molt.app.service import Service
from molt.engine.search.answer import describe_answer
from molt.engine.search.query import Mode, SearchQuery
from molt.index.ranking.reranking import RerankKind

COMPARED_COLUMNS = 4
COMPARED_HITS = 10
_MODES: tuple[Mode, ...] = get_args(Mode)
_TITLES: Mapping[str, str] = {"hybrid": "Both", "dense": "Meaning", "lexical": "Words"}
RankMove = Literal["up", "down", "same", "new", "first"]


@dataclass(frozen=True)
class ColumnChoice:
    """A mode, by what the best are looked at again, and a generation where not what serves.

    It is written `mode`, `mode.KIND`, `mode@generation` or `mode.KIND@generation`.
    """

    mode: Mode
    rerank: RerankKind | None = None
    generation: str | None = None

    @classmethod
    def read(cls, written: str) -> "ColumnChoice":
        """Raises `InvalidRequestError`."""
        how, _, generation = written.partition("@")
        name, _, rerank = how.partition(".")
        for mode in _MODES:
            if mode == name and rerank in {"", *RerankKind}:
                return cls(mode, RerankKind(rerank) if rerank else None, generation or None)
        kinds = " or ".join(f".{kind}" for kind in RerankKind)
        wrong = f"is no column; write {', '.join(_MODES)}, each also with {kinds}, or @GENERATION"
        raise InvalidRequestError([Violation(wrong, "query", ("c",))])

    @property
    def written(self) -> str:
        """As a URL has it."""
        rerank = f".{self.rerank}" if self.rerank else ""
        return f"{self.mode}{rerank}" + (f"@{self.generation}" if self.generation else "")

    @property
    def title(self) -> str:
        """As people read it."""
        return _TITLES[self.mode] + (f", re-ranked by {self.rerank}" if self.rerank else "")


@dataclass(frozen=True)
class ComparedDocument:
    """A document of a column: how it moved from the first column, and by how many ranks."""

    hit: Mapping[str, Any]
    move: RankMove
    by: int = 0


@dataclass(frozen=True)
class ComparedColumn:
    """A ranking; `shared` of its documents are among those of the first one, which has the `left`
    ones alone.
    """

    choice: ColumnChoice
    answer: Mapping[str, Any]
    documents: Sequence[ComparedDocument]
    shared: int
    left: Sequence[Mapping[str, Any]] = ()


def choices(
    generations: Sequence[str], kinds: Sequence[RerankKind]
) -> list[tuple[str | None, list[ColumnChoice]]]:
    """Every column that can be chosen: of what serves (None), and of each other generation.

    Each is re-ranked by none of `kinds`, or by one.
    """
    return [
        (one, [ColumnChoice(mode, kind, one) for mode in _MODES for kind in (None, *kinds)])
        for one in (None, *generations)
    ]


def compared(
    service: Service, chosen: Sequence[ColumnChoice], *, text: str, collection: str
) -> list[ComparedColumn]:
    """Rank by each. Runs in a request thread; raises as the engine's searches do."""
    answers = [_answer(service, one, text, collection) for one in chosen]
    ahead = answers[0]["hits"] if answers else []
    first = {hit["id"]: hit["rank"] for hit in ahead}
    columns = []
    for at, (choice, answer) in enumerate(zip(chosen, answers, strict=True)):
        documents = [_ranked(hit, first, is_first=not at) for hit in answer["hits"]]
        own = {hit["id"] for hit in answer["hits"]}
        left = [hit for hit in ahead if hit["id"] not in own]
        columns.append(ComparedColumn(choice, answer, documents, len(own & first.keys()), left))
    return columns


def column_query(
    service: Service, choice: ColumnChoice, *, text: str, collection: str
) -> SearchQuery:
    """What a column searches for. Raises `InvalidRequestError`."""
    asked = {
        "query": text,
        "collection": collection,
        "k": COMPARED_HITS,
        "mode": choice.mode,
        "rerank": choice.rerank.value if choice.rerank else False,
    }
    return query_of(validate(SearchBody, asked), service.settings.limits)


def _answer(service: Service, choice: ColumnChoice, text: str, collection: str) -> dict[str, Any]:
    query = column_query(service, choice, text=text, collection=collection)
    started = time.perf_counter()
    if choice.generation is None:
        answer = service.engine.search(query)
    else:
        answer = service.engine.searcher.search_former(query, choice.generation)
    return describe_answer(answer, seconds=time.perf_counter() - started)


def _ranked(
    hit: Mapping[str, Any], first: Mapping[str, int], *, is_first: bool
) -> ComparedDocument:
    if is_first:
        return ComparedDocument(hit, "first")
    if hit["id"] not in first:
        return ComparedDocument(hit, "new")
    by = first[hit["id"]] - hit["rank"]
    return ComparedDocument(hit, "up" if by > 0 else "down" if by < 0 else "same", abs(by))
