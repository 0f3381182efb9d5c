import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.pages import NO_SPLIT, Selection
from molt.index.catalog.judgments import Judgment, Query
from molt.index.errors import InvalidFieldError

JUDGED = [
    Judgment("q1", "d1", 1, "train"),
    Judgment("q1", "d2", 0, "train"),
    Judgment("q2", "d1", 2, "dev"),
    Judgment("q3", "d3", 1, "fold1"),
    Judgment("q4", "d1", 1),
]
QUERIES = [Query(f"q{at}", f"text {at}", {"at": at}) for at in range(1, 5)]


@pytest.fixture
def judged(catalog: Catalog, catalog_collection: Collection) -> Collection:
    other = catalog.collections.create("other")
    for collection in (catalog_collection, other):
        catalog.judgments.put(collection, queries=QUERIES, judgments=JUDGED)
    return catalog_collection


def test_pages_of_judgments_are_all_of_them_in_their_order(
    catalog: Catalog, judged: Collection
) -> None:
    found: list[Judgment] = []
    after = None
    while page := catalog.judged.judgments(judged, after=after, limit=2):
        found += page
        after = (page[-1].query_id, page[-1].doc_id)
    assert found == JUDGED


@pytest.mark.parametrize(
    ("selection", "doc_ids"),
    [
        (Selection("q1"), ["d1", "d2"]),
        (Selection(split="Validation"), ["d1"]),
        (Selection(split="fold1"), ["d3"]),
        (Selection(split=NO_SPLIT), ["d1"]),
        (Selection("q1", "dev"), []),
    ],
)
def test_judgments_are_selected_by_query_and_by_any_name_of_their_split(
    catalog: Catalog, judged: Collection, selection: Selection, doc_ids: list[str]
) -> None:
    found = catalog.judged.judgments(judged, selection, limit=10)
    assert [one.doc_id for one in found] == doc_ids
    assert catalog.judged.delete_judgments(judged, selection) == len(doc_ids)
    assert len(catalog.judged.judgments(judged, limit=10)) == len(JUDGED) - len(doc_ids)
    other = catalog.collections.get("other")
    assert catalog.judgments.graded(other) == JUDGED


def test_a_split_is_kept_in_one_spelling(catalog: Catalog, catalog_collection: Collection) -> None:
    given = [Judgment("q", f"d{at}", 1, name) for at, name in enumerate(("VAL", "Test", "Exam"))]
    catalog.judgments.put(catalog_collection, judgments=given)
    found = catalog.judgments.graded(catalog_collection)
    assert [one.split for one in found] == ["dev", "test", "Exam"]


def test_pages_of_queries_are_all_of_them_or_those_of_a_split(
    catalog: Catalog, judged: Collection
) -> None:
    first = catalog.judged.queries(judged, limit=3)
    assert first + catalog.judged.queries(judged, after="q3", limit=3) == QUERIES
    assert catalog.judged.queries(judged, split="train", limit=3) == QUERIES[:1]
    assert catalog.judged.queries(judged, limit=9, max_chars=30) == QUERIES[:2]
    assert catalog.judged.queries(judged, limit=9, max_chars=1) == QUERIES[:1]


def test_a_query_is_deleted_with_its_judgments(catalog: Catalog, judged: Collection) -> None:
    assert catalog.judged.delete_queries(judged, ["q1", "unknown"]) == (1, 2)
    assert [one.id for one in catalog.judgments.queries(judged)] == ["q2", "q3", "q4"]
    assert catalog.judgments.graded(judged) == JUDGED[2:]


@pytest.mark.parametrize("bad", ["", "\0", "a" * 513])
def test_what_cannot_be_an_id_is_refused(catalog: Catalog, judged: Collection, bad: str) -> None:
    for ask in (
        lambda: catalog.judged.judgments(judged, Selection(bad), limit=1),
        lambda: catalog.judged.judgments(judged, after=("q", bad), limit=1),
        lambda: catalog.judged.queries(judged, after=bad, limit=1),
        lambda: catalog.judged.delete_queries(judged, [bad]),
    ):
        with pytest.raises(InvalidFieldError):
            ask()
