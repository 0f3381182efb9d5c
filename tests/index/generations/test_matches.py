"""Facets, orders, groups and pages of segments, beside the same in plain Python."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.catalog.document import Document
from molt.index.errors import FilterError, MatchError
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.order import GivenScores, SortField
from molt.index.segments.matches.paging import PageQuery
from molt.index.segments.matches.parsing import parse_facets
from tests.contract.generations import Encoder, vector
from tests.index.segments.filters.filter_oracle import documents, filters, ranges
from tests.memory_generation import MemoryStore, MemoryWriter

IDS = [f"d{n}" for n in range(12)]
FIELDS = ["a", "b", "c", "c.d", "id"]
TEXTS = ["x", "y;x", "z;y;x"]
QUERY = vector("any")

orders = st.lists(
    st.builds(
        SortField, st.sampled_from(["a", "b", "c.d", "\0id"]), st.sampled_from(["asc", "desc"])
    ),
    max_size=3,
    unique_by=lambda one: one.field,
)
facets = st.lists(
    st.sampled_from(FIELDS)
    | st.fixed_dictionaries({"field": st.sampled_from(FIELDS), "limit": st.integers(1, 3)})
    | st.fixed_dictionaries(
        {
            "field": st.sampled_from(FIELDS),
            "ranges": st.lists(
                ranges(st.sampled_from([-3, 0, 1, 2.5, 2**53 + 1]))
                | ranges(st.sampled_from(["a", "2.5", "2024-03-01", "2024-03-01T09:00:00Z"])),
                min_size=1,
                max_size=3,
            ),
        }
    )
    | st.fixed_dictionaries({"field": st.sampled_from(FIELDS), "buckets": st.integers(2, 5)}),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one if isinstance(one, str) else one["field"],
)
writes = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(IDS), st.sampled_from(TEXTS), documents),
    st.tuples(st.just("delete"), st.sampled_from(IDS)),
    st.tuples(st.just("advance"), st.integers(1, 5)),
    st.tuples(st.just("merge")),
)


@dataclass
class Both:
    """One collection, followed by segments and by the reference in memory."""

    catalog: Any
    store: Any
    collection: Any = field(init=False)
    writers: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.collection = self.catalog.collections.create(f"c{uuid4().hex}")
        passages = PassageEncoder(Encoder(), Encoder.split)
        kinds = ((GenerationWriter, self.store), (MemoryWriter, MemoryStore()))
        for kind, store in kinds:
            made = store.create(collection=self.collection.id, checkpoint="c" * 16, dimension=16)
            name = made if isinstance(made, str) else made.id
            self.writers.append(
                kind(
                    store, name, catalog=self.catalog, collection=self.collection, encoder=passages
                )
            )

    def do(self, what: str, *arguments: Any) -> None:
        if what == "put":
            name, text, metadata = arguments
            self.catalog.documents.upsert(
                self.collection, [Document(name, text, metadata=metadata)]
            )
        elif what == "delete":
            self.catalog.documents.delete_many(self.collection, arguments)
        else:
            for writer in self.writers:
                writer.advance(*arguments) if what == "advance" else writer.merge_once()

    def matches(self, **asked: Any) -> list[Any]:
        """The match of each, or the error that it raises."""
        return [_tried(writer.snapshot.match, **asked) for writer in self.writers]


def _tried(work: Any, *arguments: Any, **asked: Any) -> Any:
    try:
        return work(*arguments, **asked)
    except (FilterError, MatchError) as error:
        return type(error)


@pytest.fixture
def both(segment_catalog: Any, segment_store: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an empty collection, whose segments merge early."""
    monkeypatch.setattr("molt.index.segments.merge.FAN", 2)
    return lambda: Both(segment_catalog, segment_store)


SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=25, suppress_health_check=SLOW)
@given(st.lists(writes, min_size=4, max_size=14), st.none() | filters, facets)
def test_facets_count_what_plain_python_counts(both, steps, where, asked):
    world = both()
    for step in steps:
        world.do(*step)
    try:
        wanted = parse_facets(asked)
    except MatchError:
        return
    parsed = None if where is None else parse_filter(where)
    found, expected = world.matches(where=parsed)
    if isinstance(expected, type):
        return  # segments know what documents had that are gone, and refuse less
    assert found.total == expected.total
    counts = _tried(expected.count, wanted)
    if not isinstance(counts, type):
        assert found.count(wanted) == counts


@settings(max_examples=30, suppress_health_check=SLOW)
@given(
    st.lists(writes, min_size=4, max_size=14),
    st.none() | filters,
    st.tuples(orders, st.none() | st.sampled_from(["a", "b", "c.d"])),
    st.none() | st.sampled_from([-0.2, 0.0, 0.2]),
)
def test_pages_are_what_plain_python_sorts_and_groups(both, steps, where, asked, least):
    order, group_by = asked
    world = both()
    for step in steps:
        world.do(*step)
    parsed = None if where is None else parse_filter(where)
    found, expected = world.matches(where=parsed, query=QUERY, min_score=least)
    if isinstance(expected, type):
        return  # segments know what documents had that are gone, and refuse less
    whole = PageQuery(100, tuple(order), group_by)
    pages = [_tried(one.page, QUERY, whole) for one in (found, expected)]
    if isinstance(pages[1], type):
        return
    assert [shown(one) for one in pages[0].standings] == [shown(one) for one in pages[1].standings]
    everything = pages[0].standings
    for k in (1, 3):
        rest, after = [], None
        more = bool(everything)
        while more:
            page = found.page(QUERY, PageQuery(k, tuple(order), group_by, after=after))
            assert len(page.standings) == min(k, len(everything) - len(rest))
            rest += page.standings
            after, more = page.standings[-1].position, page.more
        assert rest == list(everything)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(
    st.lists(writes, min_size=4, max_size=14),
    st.none() | filters,
    st.tuples(orders, st.none() | st.sampled_from(["a", "b", "c.d"])),
    st.tuples(
        st.sets(st.integers(0, 14)),
        st.dictionaries(st.integers(0, 14), st.sampled_from([0.1, 0.25, 7.5]), max_size=8),
        st.sampled_from([QUERY, None]),
    ),
)
def test_given_scores_and_documents_order_as_in_plain_python(both, steps, where, asked, told_of):
    (order, group_by), (among, given_scores, query) = asked, told_of
    world = both()
    for step in steps:
        world.do(*step)
    parsed = None if where is None else parse_filter(where)
    ordinals = np.array(sorted(among), np.int64)
    found, expected = world.matches(where=parsed, among=ordinals)
    if isinstance(expected, type):
        return
    assert found.total == expected.total
    known = sorted(given_scores.items())
    scores = GivenScores(
        np.array([ordinal for ordinal, _ in known], np.int64),
        np.array([score for _, score in known], np.float64),
    )
    whole = PageQuery(100, tuple(order), group_by, scores=scores)
    pages = [_tried(one.page, query, whole) for one in (found, expected)]
    if isinstance(pages[1], type):
        return
    assert [told(one) for one in pages[0].standings] == [told(one) for one in pages[1].standings]
    seen = frozenset(one.hit.ordinal for one in pages[1].standings[:2])
    rest = replace(whole, without=seen)
    left = [[told(one) for one in match.page(query, rest).standings] for match in (found, expected)]
    assert left[0] == left[1] == [told(one) for one in pages[0].standings[2:]]


def told(one: Any) -> tuple[Any, ...]:
    return (*shown(one), one.hit.score)


@settings(max_examples=20, suppress_health_check=SLOW)
@given(st.lists(writes, min_size=4, max_size=14), st.sets(st.integers(0, 14)))
def test_what_is_searched_among_is_the_match_among_them(both, steps, among):
    world = both()
    for step in steps:
        world.do(*step)
    ordinals = np.array(sorted(among), np.int64)
    (found, expected) = (
        writer.snapshot.search(QUERY, k=5, among=ordinals) for writer in world.writers
    )
    assert [hit.ordinal for hit in found.hits] == [hit.ordinal for hit in expected.hits]
    assert found.total == expected.total
    match, known = (writer.snapshot.match() for writer in world.writers)
    assert match.among(ordinals).total == found.total
    scores, told_scores = (one.scores(QUERY) for one in (match, known))
    assert scores.ordinals.tolist() == told_scores.ordinals.tolist()
    assert scores.scores == pytest.approx(told_scores.scores)


def shown(one: Any) -> tuple[Any, ...]:
    """All but the score, whose last bits depend on who multiplies."""
    hit = one.hit
    return (hit.ordinal, hit.passage, hit.start, hit.end, one.position.keys, one.group)
