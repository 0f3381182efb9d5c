"""What every store's searchable generation keeps to: ours, and one in memory."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from molt.engine.live.pair import Live
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchQuery
from molt.index.catalog.document import Document
from molt.index.errors import (
    FacetError,
    FilterError,
    GenerationAheadError,
    GenerationError,
    UnknownFieldError,
    VectorError,
)
from molt.index.generations.protocols import SearchableGeneration
from molt.index.generations.sealing import PassageEncoder
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.facets import FacetCount
from molt.index.segments.matches.order import Group, SortField
from molt.index.segments.matches.paging import PageQuery
from molt.index.segments.matches.parsing import parse_facets
from molt.index.segments.scalar import ScalarKind
from tests.contract.generations import DIMENSION, Backend, drain, vector
from tests.hashing import HashingEncoder

TEXTS = {f"d{n}": "text x" + "x" * n for n in range(12)}


@pytest.fixture
def generation(backend: Backend) -> SearchableGeneration:
    """Twelve documents, indexed a few at a time."""
    backend.put(**TEXTS)
    writer = backend.writer(backend.create())
    drain(writer, limit=5)
    writer.close()
    return backend.open(writer.snapshot.manifest.id)


def ordinals(generation: SearchableGeneration, query: str = "any", **search: object) -> list[int]:
    return [hit.ordinal for hit in generation.search(vector(query), **search).hits]


def test_every_document_is_found_by_its_text(
    backend: Backend, generation: SearchableGeneration
) -> None:
    assert backend.found(generation) == TEXTS
    assert (generation.n_documents, generation.revision) == (12, 12)
    assert generation.manifest.revision == 12


def test_the_best_come_first_with_their_inner_products(generation: SearchableGeneration) -> None:
    scores = [float(vector(text) @ vector("any")) for text in TEXTS.values()]
    found = generation.search(vector("any"), k=5)
    assert ordinals(generation, k=5) == np.argsort(scores)[::-1][:5].tolist()
    assert [hit.score for hit in found.hits] == pytest.approx(sorted(scores)[:-6:-1], abs=1e-5)
    assert (found.total, found.exact) == (12, True)


def test_the_vectors_of_documents_are_those_that_they_are_found_by(
    backend: Backend, generation: SearchableGeneration
) -> None:
    wanted = ordinals(generation, k=3)
    stored = backend.catalog.documents.hydrate(backend.collection, wanted)
    found = generation.vectors_of([*wanted, 10_000])
    assert found.keys() == set(wanted)
    for ordinal, vectors in found.items():
        assert vectors.tolist() == [vector(stored[ordinal].document.text).tolist()]


def test_a_document_of_several_passages_has_their_vectors_in_order(backend: Backend) -> None:
    backend.put(a="one;two;three", b="other")
    writer = backend.writer(backend.create())
    drain(writer)
    writer.close()
    generation = backend.open(writer.snapshot.manifest.id)
    [hit] = generation.search(vector("two"), k=1).hits
    vectors = generation.vectors_of([hit.ordinal])[hit.ordinal]
    assert vectors.tolist() == [vector(text).tolist() for text in ("one", "two", "three")]


def test_the_values_of_documents_are_told_in_the_order_that_was_asked_for(
    backend: Backend, generation: SearchableGeneration
) -> None:
    wanted = [*ordinals(generation, k=4), 10_000]
    stored = backend.catalog.documents.hydrate(backend.collection, wanted)
    found = generation.values_of("n", ScalarKind.NUMBER, np.array(wanted))
    assert found is not None
    assert found[:-1].tolist() == [len(stored[one].document.text) for one in wanted[:-1]]
    assert np.isnan(found[-1])
    assert generation.values_of("n", ScalarKind.DATE, np.array(wanted)) is None
    assert generation.values_of("m", ScalarKind.NUMBER, np.array(wanted)) is None


def test_of_several_values_the_greatest_and_of_dates_the_latest_is_told(backend: Backend) -> None:
    metadata = {"n": [3, "7.5", 5, "x"], "at": ["2026-01-02", "2026-01-01"]}
    documents = [Document("a", "a", metadata=metadata), Document("b", "b", metadata={"n": -1})]
    backend.catalog.documents.upsert(backend.collection, documents)
    writer = backend.writer(backend.create())
    drain(writer)
    writer.close()
    generation = backend.open(writer.snapshot.manifest.id)
    both = np.array([0, 1]) + min(ordinals(generation, k=2))
    numbers = generation.values_of("n", ScalarKind.NUMBER, both)
    dates = generation.values_of("at", ScalarKind.DATE, both)
    assert numbers is not None
    assert dates is not None
    assert numbers.tolist() == [7.5, -1]
    moment = datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1e6
    assert dates[0] == moment
    assert np.isnan(dates[1])


def test_a_document_that_was_deleted_has_no_vectors(
    backend: Backend, generation: SearchableGeneration
) -> None:
    [best] = ordinals(generation, query="text x", k=1)
    backend.delete("d0")
    assert generation.vectors_of([best]).keys() == {best}
    assert backend.refreshed(generation).vectors_of([best]) == {}


def test_the_pages_of_a_ranking_join_up(generation: SearchableGeneration) -> None:
    whole = ordinals(generation, k=100)
    assert len(whole) == 12
    for k in range(12):
        assert ordinals(generation, k=k) == whole[:k]


def test_equal_scores_are_ordered_by_ordinal(backend: Backend) -> None:
    backend.put(a="same", b="same", c="other", d="same")
    writer = backend.writer(backend.create())
    drain(writer, limit=1)
    for k in range(1, 4):
        assert ordinals(writer.snapshot, "same", k=k) == [0, 1, 3][:k]


def test_a_document_is_found_by_its_best_passage(backend: Backend) -> None:
    backend.put(long="first;second;third", short="fourth")
    writer = backend.writer(backend.create())
    drain(writer)
    found = writer.snapshot.search(vector("second"), k=5)
    best = found.hits[0]
    assert (best.ordinal, best.passage, best.start, best.end) == (0, 1, 6, 12)
    assert (len(found.hits), found.total, writer.snapshot.n_documents) == (2, 2, 2)


def test_a_filter_keeps_matching_documents_and_counts_them(
    generation: SearchableGeneration,
) -> None:
    where = parse_filter({"field": "n", "gte": 6 + 3, "lt": 6 + 6})
    assert sorted(ordinals(generation, k=10, where=where)) == [3, 4, 5]
    assert generation.search(vector("any"), k=1, where=where).total == 3


def test_a_filter_may_ask_for_ids(generation: SearchableGeneration) -> None:
    where = parse_filter({"field": "id", "in": ["d3", "d7", "nobody\0"]})
    assert sorted(ordinals(generation, k=10, where=where)) == [3, 7]


def test_what_is_visible_is_what_could_be_found(
    backend: Backend, generation: SearchableGeneration
) -> None:
    backend.delete("d3")
    later = backend.refreshed(generation)
    found = later.visible().ordinals().tolist()
    assert found == sorted(ordinals(later, k=100))
    assert later.visible().n_documents == len(found) == later.n_documents


def test_what_is_visible_through_a_filter_is_what_it_keeps(
    generation: SearchableGeneration,
) -> None:
    where = parse_filter({"field": "n", "gte": 9, "lt": 12})
    visible = generation.visible(where)
    assert (visible.ordinals().tolist(), visible.n_documents) == ([3, 4, 5], 3)
    assert visible.find(np.array([4, 9, 3])).shown.tolist() == [True, False, True]


def test_of_a_visible_document_the_first_passage_is_told(backend: Backend) -> None:
    backend.put(long="first;second;third", short="fourth")
    writer = backend.writer(backend.create())
    drain(writer)
    standing = backend.open(writer.snapshot.manifest.id).visible().find(np.array([1, 77, 0]))
    assert standing.shown.tolist() == [True, False, True]
    assert standing.starts[[0, 2]].tolist() == [0, 0]
    assert standing.ends[[0, 2]].tolist() == [len("fourth"), len("first")]


def test_nothing_is_visible_of_nothing(generation: SearchableGeneration) -> None:
    assert generation.visible().find(np.array([], np.int64)).shown.tolist() == []


def test_what_is_visible_is_refused_as_a_search_would_be(
    generation: SearchableGeneration,
) -> None:
    with pytest.raises(UnknownFieldError, match="m"):
        generation.visible(parse_filter({"field": "m", "eq": 1}))


def test_the_fields_of_live_documents_are_counted_by_kind(
    backend: Backend, generation: SearchableGeneration
) -> None:
    backend.delete("d3")
    [field] = backend.refreshed(generation).count_fields()
    assert (field.field, field.kinds, field.mixed) == ("n", {ScalarKind.NUMBER: 11}, False)


def test_the_kinds_of_fields_can_be_asked_for(generation: SearchableGeneration) -> None:
    where = parse_filter({"any": [{"field": "n", "eq": 1}, {"field": "m", "eq": 1}]})
    kinds = generation.field_kinds(where)
    assert kinds.kinds == {"n": {ScalarKind.NUMBER}, "m": frozenset()}
    assert kinds.known == {"n"}


def test_a_filter_that_cannot_be_answered_is_refused(generation: SearchableGeneration) -> None:
    with pytest.raises(UnknownFieldError):
        ordinals(generation, k=1, where=parse_filter({"field": "m", "eq": 1}))
    with pytest.raises(FilterError):
        ordinals(generation, k=1, where=parse_filter({"field": "n", "lt": "a"}))


@pytest.mark.parametrize("k", [2, 12])
def test_a_least_score_cuts_the_ranking_and_the_total(
    generation: SearchableGeneration, k: int
) -> None:
    scores = [hit.score for hit in generation.search(vector("any"), k=12).hits]
    found = generation.search(vector("any"), k=k, min_score=(scores[4] + scores[5]) / 2)
    assert [hit.score for hit in found.hits] == scores[: min(k, 5)]
    assert (found.total, found.exact) == (5, True)


@pytest.mark.parametrize(
    "query",
    [
        np.full(DIMENSION, np.nan, np.float32),
        np.ones(DIMENSION + 1, np.float32),
        np.ones((1, DIMENSION), np.float32),
    ],
    ids=["no number", "another dimension", "two of them"],
)
def test_a_query_that_cannot_be_compared_is_refused(
    generation: SearchableGeneration, query: np.ndarray
) -> None:
    with pytest.raises(VectorError):
        generation.search(query, k=1)


def test_nothing_is_found_in_an_empty_generation(backend: Backend) -> None:
    empty = backend.open(backend.create())
    where = parse_filter({"field": "any", "eq": 1})
    for search in ({}, {"where": where}, {"min_score": 0.0}):
        found = empty.search(vector("any"), k=5, **search)
        assert (found.hits, found.total, found.exact) == ([], 0, True)
    assert (empty.n_documents, empty.revision) == (0, 0)


def test_a_deleted_document_is_gone_at_once_from_the_refreshed_one_only(
    backend: Backend, generation: SearchableGeneration
) -> None:
    backend.delete("d3")
    later = backend.refreshed(generation)
    assert "d3" not in backend.found(later)
    assert (later.n_documents, later.revision, later.manifest.revision) == (11, 13, 12)
    assert len(ordinals(generation, k=100)) == generation.n_documents == 12


def test_a_former_text_answers_until_the_change_is_indexed(
    backend: Backend, generation: SearchableGeneration
) -> None:
    backend.put(d3="something else")
    waiting = backend.refreshed(generation)
    assert backend.found(waiting)["d3"] == TEXTS["d3"]
    drain(backend.writer(generation.manifest.id))
    assert backend.found(backend.refreshed(waiting)) == {**TEXTS, "d3": "something else"}
    assert backend.found(waiting)["d3"] == TEXTS["d3"]


def test_a_document_that_is_deleted_and_added_again_is_another(
    backend: Backend, generation: SearchableGeneration
) -> None:
    backend.delete("d3")
    backend.put(d3="back again")
    assert "d3" not in backend.found(backend.refreshed(generation))
    drain(backend.writer(generation.manifest.id))
    assert backend.found(backend.refreshed(generation))["d3"] == "back again"


def test_a_reader_that_lags_sees_all_that_happened_meanwhile(
    backend: Backend, generation: SearchableGeneration
) -> None:
    writer = backend.writer(generation.manifest.id)
    expected = dict(TEXTS)
    for n in range(6):
        expected[f"d{n}"] = f"version {n}"
        backend.put(**{f"d{n}": f"version {n}"})
        drain(writer)
        backend.delete(f"d{n + 6}")
        del expected[f"d{n + 6}"]
        writer.merge_once()
    later = backend.refreshed(generation)
    assert backend.found(later) == expected == backend.found(backend.open(generation.manifest.id))
    assert later.n_documents == 6


def test_a_generation_does_not_become_another(
    backend: Backend, generation: SearchableGeneration
) -> None:
    other = backend.read(backend.create())
    with pytest.raises(GenerationError):
        generation.refreshed(other, backend.catalog.documents.liveness(backend.collection))


def test_a_generation_beyond_its_catalog_is_refused(
    backend: Backend, generation: SearchableGeneration
) -> None:
    beyond = replace(generation.manifest, revision=99)
    with pytest.raises(GenerationAheadError):
        generation.refreshed(beyond, backend.catalog.documents.liveness(backend.collection))


def test_the_stages_of_a_search_need_no_more(backend: Backend) -> None:
    encoder = HashingEncoder(dimension=DIMENSION)
    backend.passages = PassageEncoder(encoder.embed_documents)
    backend.put(boots="warm boots", tent="a tent for two")
    writer = backend.writer(backend.create())
    drain(writer)
    live = Live(backend.collection, encoder, writer.snapshot)
    asked = SearchQuery("warm boots", "shop", k=1)
    answer = Pipeline().search(asked, live=live, catalog=backend.catalog)
    assert [hit.id for hit in answer.page.hits] == ["boots"]
    assert answer.generation == writer.snapshot.manifest.id


def test_documents_whose_date_has_passed_are_not_found_nor_counted(backend: Backend) -> None:
    dates = {"a": "2026-01-01T00:00:01Z", "b": "2026-01-01T00:00:02Z", "c": "no date", "d": None}
    documents = [
        Document(name, f"one;two {name}", metadata={} if date is None else {"until": date})
        for name, date in dates.items()
    ]
    backend.catalog.documents.upsert(backend.collection, documents)
    writer = backend.writer(backend.create())
    drain(writer, limit=3)
    former = writer.snapshot
    second = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    for after, left in [(0.999999, [0, 1, 2, 3]), (1, [1, 2, 3]), (1.5, [1, 2, 3]), (2, [2, 3])]:
        now = round(1_000_000 * (second + after))
        left_over = former.without_expired("until", now)
        found = left_over.search(vector("any"), k=10)
        assert sorted(hit.ordinal for hit in found.hits) == left
        assert (found.total, left_over.n_documents) == (len(left), len(left))
        where = parse_filter({"field": "until", "exists": True})
        filtered = ordinals(left_over, k=10, where=where)
        assert sorted(filtered) == [one for one in left if one != 3]
    assert former.n_documents == 4
    assert former.without_expired("other", now).n_documents == 4


def test_what_was_deleted_and_what_has_expired_are_both_left_out(backend: Backend) -> None:
    documents = [
        Document(f"d{n}", f"text {n}", metadata={"until": f"2026-01-{n + 1:02}"}) for n in range(9)
    ]
    backend.catalog.documents.upsert(backend.collection, documents)
    writer = backend.writer(backend.create())
    drain(writer)
    now = round(1_000_000 * datetime(2026, 1, 4, tzinfo=UTC).timestamp())
    assert writer.snapshot.without_expired("until", now).n_documents == 5
    for name in ("d0", "d4", "d8"):
        backend.delete(name)
    later = backend.refreshed(writer.snapshot).without_expired("until", now)
    assert sorted(ordinals(later, k=10)) == [5, 6, 7]
    assert later.n_documents == 3


def test_a_match_is_every_live_document_that_the_filter_and_the_least_score_keep(
    backend: Backend, generation: SearchableGeneration
) -> None:
    assert generation.match().total == 12
    few = parse_filter({"field": "n", "lt": 10})
    assert generation.match(where=few).total == 4
    scores = [hit.score for hit in generation.search(vector("any"), k=12).hits]
    least = (scores[4] + scores[5]) / 2
    assert generation.match(query=vector("any"), min_score=least).total == 5
    backend.delete("d3")
    assert backend.refreshed(generation).match().total == 11
    assert generation.match().total == 12


def test_facets_count_documents_by_their_values_and_ranges(
    generation: SearchableGeneration,
) -> None:
    where = parse_filter({"field": "n", "lte": 8})
    [values, ranges, buckets] = (
        generation.match(where=where).count(parse_facets([asked]))["n"]
        for asked in (
            "n",
            {"field": "n", "ranges": [{"lt": 8}, {"gte": 7}, {"gt": 100}]},
            {"field": "n", "buckets": 2},
        )
    )
    assert values == [FacetCount(n, 1) for n in (6, 7, 8)]
    assert [one.count for one in ranges] == [2, 2, 0]
    assert [(one.value, one.count) for one in buckets] == [
        ({"gte": 6, "lt": 8}, 2),
        ({"gte": 8, "lt": 10}, 1),
    ]


def test_pages_go_on_after_a_position_in_any_order(generation: SearchableGeneration) -> None:
    match = generation.match()
    fields = (SortField("n", "desc"),)
    first = match.page(vector("any"), PageQuery(5, fields))
    assert [one.hit.ordinal for one in first.standings] == [11, 10, 9, 8, 7]
    after = first.standings[-1].position
    rest = match.page(vector("any"), PageQuery(10, fields, after=after))
    assert [one.hit.ordinal for one in rest.standings] == [6, 5, 4, 3, 2, 1, 0]
    assert (first.more, rest.more) == (True, False)


def test_without_fields_a_page_is_the_ranking(generation: SearchableGeneration) -> None:
    ranking = generation.search(vector("any"), k=12).hits
    page = generation.match().page(vector("any"), PageQuery(12))
    assert [one.hit for one in page.standings] == ranking
    left_out = frozenset({ranking[0].ordinal, ranking[2].ordinal})
    after = page.standings[0].position
    left = generation.match().page(vector("any"), PageQuery(2, after=after, without=left_out))
    assert [one.hit for one in left.standings] == [ranking[1], ranking[3]]


def test_the_first_of_each_group_stands_for_it(backend: Backend) -> None:
    prices = {"a": 3, "b": 1, "c": 2, "d": 5, "e": None}
    brands = {"a": "x", "b": "x", "c": "y", "d": ["y", "x"], "e": None}
    documents = [
        Document(name, f"one;two {name}", metadata={"price": prices[name], "brand": brands[name]})
        for name in prices
    ]
    backend.catalog.documents.upsert(backend.collection, documents)
    writer = backend.writer(backend.create())
    drain(writer, limit=2)
    wanted = PageQuery(10, (SortField("price", "desc"),), "brand")
    page = writer.snapshot.match().page(vector("any"), wanted)
    assert [(one.hit.ordinal, one.group) for one in page.standings] == [
        (3, Group("x", 3)),
        (2, Group("y", 1)),
        (4, Group(None, 1)),
    ]


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (PageQuery(1, (SortField("m"),)), UnknownFieldError),
        (PageQuery(1, group_by="m"), UnknownFieldError),
    ],
)
def test_an_order_or_group_that_nobody_has_is_refused(
    generation: SearchableGeneration, wanted: PageQuery, error: type[Exception]
) -> None:
    with pytest.raises(error):
        generation.match().page(vector("any"), wanted)


@pytest.mark.parametrize(
    ("facet", "error"),
    [
        ("m", UnknownFieldError),
        ({"field": "n", "ranges": [{"lt": "a"}]}, FacetError),
    ],
)
def test_facets_that_cannot_be_counted_are_refused(
    generation: SearchableGeneration, facet: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        generation.match().count(parse_facets([facet]))
