"""What the search page shows of an answer: excerpts, facets as links, and what a person judged.

The answer itself is made as for the API.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from markupsafe import Markup

from molt.app.http.validation import validate
from molt.app.pages.judge.grading import judged_query_id, kept_grades
from molt.app.pages.search.state import FieldFilter, SearchState
from molt.app.routes.search.endpoints import answer_search
from molt.app.routes.search.schemas import SearchBody
from molt.app.service import Service
from molt.engine.engine import Engine
from molt.index.catalog.access.reach import EVERYTHING
from molt.index.catalog.collection import Collection
from molt.index.ranking.reranking import RerankKind
from molt.index.segments.kind_counts import FieldCount
from molt.index.segments.scalar import ScalarKind

PAGE_HITS = 10
_FACETS = 6
_VALUES = 8
_BUCKETS = 5
_EXCERPT = 320
_SHOWN_FIELDS = 8
_SHOWN_CHARS = 80
_COUNTED = (ScalarKind.TEXT, ScalarKind.NUMBER, ScalarKind.BOOLEAN, ScalarKind.DATE)
_ORDERED = (ScalarKind.NUMBER, ScalarKind.DATE)
_RERANKED_BY = {RerankKind.TOKENS: "by tokens", RerankKind.CROSS_ENCODER: "by cross-encoder"}


@dataclass(frozen=True)
class FacetLink:
    """A value of a field, how many documents have it, and where the filter on it leads."""

    filter: FieldFilter
    count: int
    url: str
    chosen: bool


@dataclass(frozen=True)
class SearchView:
    """Everything that the results of a search show."""

    state: SearchState
    answer: Mapping[str, Any] = field(default_factory=dict)
    facets: Mapping[str, Sequence[FacetLink]] = field(default_factory=dict)
    sorts: Sequence[tuple[str, str]] = ()
    grades: Mapping[str, int] = field(default_factory=dict)
    reranks: Sequence[tuple[str, str]] = ()
    behind: int = 0

    @property
    def hits(self) -> list[dict[str, Any]]:
        """The hits, each with its excerpt and the fields that are shown."""
        return [_shown(hit) for hit in self.answer.get("hits", ())]

    @property
    def next_url(self) -> str | None:
        """The page after this one."""
        cursor = self.answer.get("cursor")
        return self.state.after(cursor).url() if cursor else None


def search_view(service: Service, state: SearchState, *, judging: bool) -> SearchView:
    """Search for it; `judging` looks up what was judged of it. Runs in a request thread.

    Raises as `answer_search` does.
    """
    engine = service.engine
    collection = engine.catalog.collections.get(state.collection or "")
    fields = engine.count_fields(collection)
    body = search_body(state, facets=_facets_of(fields))
    answer = orjson.loads(answer_search(service, body, route="/", reach=EVERYTHING))
    return SearchView(
        state,
        answer,
        facets=dict(_links(state, answer["facets"])),
        sorts=_sorts(fields),
        grades=kept_grades(engine, collection, judged_query_id(state.q)) if judging else {},
        reranks=_reranks(engine, collection, state),
        behind=max(0, collection.revision - engine.status(collection).indexed_revision),
    )


def search_body(state: SearchState, *, facets: Sequence[Any] = ()) -> SearchBody:
    """The body that the API would be asked with. Raises `InvalidRequestError`."""
    sort = [state.sort] if state.sort else []
    asked = {
        "query": state.q,
        "collection": state.collection,
        "k": PAGE_HITS,
        "mode": state.mode,
        "filter": state.filter,
        "facets": list(facets),
        "sort": sort,
        "rerank": state.rerank or None,
        "highlight": True,
        "cursor": state.cursor,
    }
    return validate(SearchBody, asked)


def _facets_of(fields: Sequence[FieldCount]) -> list[Any]:
    """Of the fields that most documents have, values to count, or ranges where it has an order."""
    found = []
    for one in sorted(fields, key=lambda one: -sum(one.kinds.values())):
        kinds = [kind for kind in _COUNTED if one.kinds.get(kind)]
        if not kinds or ":" in one.field:
            continue
        ordered = len(kinds) == 1 and kinds[0] in _ORDERED
        more = {"buckets": _BUCKETS} if ordered else {"limit": _VALUES}
        found.append({"field": one.field} | more)
    return found[:_FACETS]


def _links(
    state: SearchState, counts: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[tuple[str, list[FacetLink]]]:
    """A field whose values no two documents share tells nothing, unless it is filtered by."""
    filtered = {one.field for one in state.filters}
    for name, values in counts.items():
        counted = [one for one in values if one["count"]]
        if not counted or (max(one["count"] for one in counted) < 2 and name not in filtered):
            continue
        links = []
        for one in counted:
            kept = FieldFilter.of(name, one["value"])
            url = state.toggled(kept).url()
            links.append(FacetLink(kept, one["count"], url, kept in state.filters))
        yield name, links


def _sorts(fields: Sequence[FieldCount]) -> list[tuple[str, str]]:
    """What a search can be sorted by, and what that is called."""
    ordered = [one for one in fields if any(one.kinds.get(kind) for kind in _ORDERED)]
    found = []
    for one in ordered[:_SHOWN_FIELDS]:
        if ":" not in one.field:
            found += [(f"{one.field}:asc", f"{one.field}, rising")]
            found += [(f"{one.field}:desc", f"{one.field}, falling")]
    return found


def _reranks(engine: Engine, collection: Collection, state: SearchState) -> list[tuple[str, str]]:
    """By what a search can be re-ranked, and what that is called; first by what is by default."""
    tuned = engine.searcher.reranks(collection.name, mode=state.mode)
    kinds = engine.searcher.rerank_kinds(collection)
    usual = ("", "as tuned" if tuned else "no")
    return [usual, *((kind.value, _RERANKED_BY[kind]) for kind in kinds)]


def _shown(hit: Mapping[str, Any]) -> dict[str, Any]:
    text, start = hit["text"], hit["passage"]["start"]
    start = 0 if start < _EXCERPT // 4 else start
    end = start + _EXCERPT
    excerpt = " ".join(text[start:end].split())
    before, after = "… " if start else "", " …" if end < len(text) else ""
    fields = [(name, _value(value)) for name, value in hit["metadata"].items()]
    heading, excerpts = _marked(hit)
    return dict(hit) | {
        "heading": heading or hit["title"] or hit["id"],
        "excerpts": excerpts or [f"{before}{excerpt}{after}"] if text else [],
        "fields": fields[:_SHOWN_FIELDS],
    }


def _marked(hit: Mapping[str, Any]) -> tuple[Markup | None, list[str]]:
    """The title where it has marks and is shown whole, and the other fragments."""
    heading: Markup | None = None
    excerpts: list[str] = []
    for fragment, place in zip(hit["highlights"], hit["highlighted"], strict=True):
        written = Markup(fragment)  # noqa: S704  all but its marks was escaped
        if place == {"field": "title", "start": 0, "end": len(hit["title"])}:
            heading = written
        else:
            excerpts.append(written)
    return heading, excerpts


def _value(value: Any) -> str:
    """A value of the metadata in a few words."""
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        said = ", ".join(map(str, value))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        said = str(value)
    else:
        said = orjson.dumps(value).decode()
    return said if len(said) <= _SHOWN_CHARS else f"{said[:_SHOWN_CHARS]}…"
