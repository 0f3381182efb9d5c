"""What a search says of all that it matches, in each mode, beside the same in plain Python.

The scores of either leg are taken from searches of that leg alone, whose own tests these are not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.engine.engine import Engine
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.ranking.fusing import WORDS_POWER
from molt.index.ranking.fusion import UNTUNED_WEIGHT
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.order import SortField
from molt.index.segments.matches.parsing import parse_facets
from tests.app.serving import open_engine

MODES = ["dense", "lexical", "hybrid"]
WORDS = ["boots", "wool", "tent", "warm", "red"]
QUERIES = ["warm boots", "boots -wool", '"red tent" warm', "+wool boots", "-tent", "nothing"]
ALL = 500

documents = st.builds(
    lambda at, words, brand, price: Document(
        f"d{at}",
        " ".join(words),
        metadata={"price": price} | ({} if brand is None else {"brand": brand}),
    ),
    st.integers(0, 11),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
    st.sampled_from(["acme", "zeta", None]),
    st.integers(0, 3),
)
writes = st.one_of(
    st.tuples(st.just("put"), st.lists(documents, min_size=1, max_size=4)),
    st.tuples(st.just("delete"), st.integers(0, 11)),
    st.tuples(st.sampled_from(["seal", "words", "merge", "index"])),
)
asked = st.fixed_dictionaries(
    {
        "text": st.sampled_from(QUERIES),
        "below": st.sampled_from([None, 1, 3]),
        "sort": st.sampled_from([(), (SortField("price"),), (SortField("brand", "desc"),)]),
        "group_by": st.sampled_from([None, "brand"]),
        "least": st.sampled_from([None, 0.1, 0.3]),
    }
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path_factory.mktemp("home")))
    assert engine.indexer.acquire()
    yield engine
    engine.close()


@dataclass
class World:
    """A collection; `shown` are the documents that a search of everything finds."""

    engine: Engine
    name: str

    def do(self, kind: str, *rest: Any) -> None:
        engine, name = self.engine, self.name
        shop = engine.catalog.collections.get(name)
        if kind == "put":
            last = {one.id: one for one in rest[0]}
            engine.catalog.documents.upsert(shop, [*last.values()])
        elif kind == "delete":
            engine.catalog.documents.delete_many(shop, [f"d{rest[0]}"])
        works = {
            "seal": lambda: engine.indexer.seal(only=name),
            "words": lambda: engine.indexer.index_words(only=name),
            "merge": lambda: engine.indexer.merge(only=name),
            "index": self.index,
        }
        works.get(kind, lambda: False)()
        engine.live_collections.follow(name)
        engine.live_collections.refresh(name)

    def index(self) -> bool:
        while self.engine.indexer.seal(only=self.name) or self.engine.indexer.index_words(
            only=self.name
        ):
            continue
        return True

    def ask(self, text: str, mode: str, **more: Any) -> SearchAnswer:
        return self.engine.search(replace(SearchQuery(text, self.name, k=ALL, mode=mode), **more))

    def expected(self, text: str, mode: str) -> dict[str, float]:
        """What matches a query, and its score."""
        live = self.engine.live_collections.get(self.name)
        dense, words = ({h.id: h.score for h in self.ask(text, one).page.hits} for one in MODES[:2])
        scores = {"dense": dense, "lexical": words}.get(mode)
        if scores is None:
            planned = live.leg.index.plan(text) if live.leg.index else None
            scores = dense
            if planned and planned.binding:
                scores = {name: dense[name] for name in words}
            if planned and planned.ceiling:
                scores = {
                    name: UNTUNED_WEIGHT * max(score, 0.0)
                    + (1 - UNTUNED_WEIGHT) * (words.get(name, 0.0) / planned.ceiling) ** WORDS_POWER
                    for name, score in scores.items()
                }
        return scores

    def in_order(
        self, scores: Mapping[str, float], shown: Mapping[str, Document], sort: Sequence[SortField]
    ) -> list[str]:
        """By fields, then by score; of equals by id, or without fields those sent first."""
        shop = self.engine.catalog.collections.get(self.name)
        sent = self.engine.catalog.documents.ordinals(shop, [*scores])
        found = sorted(scores, key=lambda name: (-scores[name], name if sort else sent[name]))
        for one in sort:
            falling = one.order == "desc"
            have = [name for name in found if one.field in shown[name].metadata]
            have.sort(key=lambda name: shown[name].metadata[one.field], reverse=falling)
            found = have + [name for name in found if one.field not in shown[name].metadata]
        return found


def told(hits: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(hit.id, hit.group and (hit.group.value, hit.group.size)) for hit in hits]


def firsts(names: Sequence[str], shown: Mapping[str, Document]) -> list[tuple[str, Any]]:
    """The first of each brand, with how many there are."""
    brands = {name: shown[name].metadata.get("brand") for name in names}
    sizes, seen, found = Counter(brands.values()), set(), []
    for name in names:
        brand = brands[name]
        if brand is None or brand not in seen:
            found.append((name, (brand, 1 if brand is None else sizes[brand])))
        seen.add(brand)
    return found


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(steps=st.lists(writes, min_size=2, max_size=10), wanted=asked)
def test_facets_order_groups_and_totals_are_what_plain_python_makes_of_them(
    engine: Engine, mode: str, steps: list[Any], wanted: dict[str, Any]
) -> None:
    name = f"c{len(engine.catalog.collections.list())}"
    engine.catalog.collections.create(name)
    world = World(engine, name)
    first = Document("d0", "warm red boots", metadata={"price": 0, "brand": "acme"})
    for step in [("put", [first]), ("index",), *steps, ("index",)]:
        world.do(*step)
    shown = {hit.id: hit.document for hit in world.ask("x", "dense").page.hits}
    if not all(any(key in one.metadata for one in shown.values()) for key in ("price", "brand")):
        return  # a field that nobody has is refused
    where = wanted["below"] and parse_filter({"field": "price", "lt": wanted["below"]})
    scores = {
        name: score
        for name, score in world.expected(wanted["text"], mode).items()
        if (wanted["below"] is None or shown[name].metadata["price"] < wanted["below"])
        and (wanted["least"] is None or score >= wanted["least"])
    }
    found = world.ask(
        wanted["text"],
        mode,
        where=where,
        min_score=wanted["least"],
        facets=parse_facets(["brand", "price"]),
        sort=wanted["sort"],
        group_by=wanted["group_by"],
    )
    counts = {
        facet: {one.value: one.count for one in values} for facet, values in found.facets.items()
    }
    for key in ("price", "brand"):
        values = (shown[name].metadata.get(key) for name in scores)
        assert counts[key] == Counter(value for value in values if value is not None)
    assert (found.page.total, found.page.exact_total) == (len(scores), True)
    rounded = {name: round(score, 6) for name, score in scores.items()}
    own = {hit.id: round(hit.score, 6) for hit in found.page.hits}
    assert own.items() <= rounded.items()
    if wanted["group_by"] is None:
        assert own.keys() == scores.keys()
        scores = {hit.id: hit.score for hit in found.page.hits}
        expected = [(one, None) for one in world.in_order(scores, shown, wanted["sort"])]
        assert told(found.page.hits) == expected
    elif len(set(rounded.values())) == len(rounded):
        order = world.in_order(rounded, shown, wanted["sort"])
        assert told(found.page.hits) == firsts(order, shown)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    steps=st.lists(st.tuples(writes, st.integers(1, 4)), min_size=4, max_size=8),
    sort=st.sampled_from([(), (SortField("price"),)]),
)
def test_whatever_is_written_between_pages_what_was_there_comes_once(
    engine: Engine, mode: str, steps: list[Any], sort: Any
) -> None:
    name = f"c{len(engine.catalog.collections.list())}"
    engine.catalog.collections.create(name)
    world = World(engine, name)
    there = [Document(f"t{n}", f"warm {'boots ' * n}", metadata={"price": n % 3}) for n in range(9)]
    world.do("put", there)
    world.do("index")
    seen: list[str] = []
    cursor, left = None, iter(steps)
    while True:
        step, k = next(left, (("index",), 3))
        page = world.ask("warm boots", mode, k=k, sort=sort, cursor=cursor).page
        seen += [hit.id for hit in page.hits]
        world.do(*step)
        cursor = page.following
        if cursor is None:
            break
    assert {one.id for one in there} <= set(seen)
    assert Counter(one for one in seen if one.startswith("t")).most_common(1)[0][1] == 1
