import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collections import Collection
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.relevance import JudgmentCounts
from molt.index.errors import CollectionNotFoundError, InvalidJudgmentError


def test_what_was_put_comes_back_in_order(catalog: Catalog, catalog_collection: Collection) -> None:
    queries = [Query("q2", "second"), Query("q1", "first", {"z": 1, "a": ["x"]})]
    judgments = [Judgment("q2", "d", 3, "dev"), Judgment("q1", "e", 0), Judgment("q1", "d", 1)]
    given = catalog.judgments.put(catalog_collection, queries=queries, judgments=judgments)
    assert given == 5
    assert catalog.judgments.queries(catalog_collection) == [queries[1], queries[0]]
    assert catalog.judgments.graded(catalog_collection) == judgments[::-1]


def test_a_known_judgment_is_replaced_by_a_later_one(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.judgments.put(
        catalog_collection, judgments=[Judgment("q", "d", 1, "train"), Judgment("q", "d", 2)]
    )
    assert catalog.judgments.graded(catalog_collection) == [Judgment("q", "d", 2)]
    catalog.judgments.put(catalog_collection, judgments=[Judgment("q", "d", 0, "test")])
    assert catalog.judgments.graded(catalog_collection) == [Judgment("q", "d", 0, "test")]


def test_a_known_query_is_replaced_by_a_later_one(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.judgments.put(catalog_collection, queries=[Query("q", "old", {"a": 1})])
    catalog.judgments.put(catalog_collection, queries=[Query("q", "new")])
    assert catalog.judgments.queries(catalog_collection) == [Query("q", "new")]


def test_an_equal_pair_is_kept_once_and_order_of_arrival_does_not_matter(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    pairs = [Pair("q", "text"), Pair("q", doc_id="text"), Pair("q", "text", "d"), Pair("r", "text")]
    other = catalog.collections.create("other")
    catalog.judgments.put(catalog_collection, pairs=[*pairs, pairs[0]])
    catalog.judgments.put(catalog_collection, pairs=pairs)
    catalog.judgments.put(other, pairs=pairs[::-1])
    found = catalog.judgments.pairs(catalog_collection)
    assert sorted(found, key=repr) == sorted(pairs, key=repr)
    assert catalog.judgments.pairs(other) == found


def test_counts_are_by_split(catalog: Catalog, catalog_collection: Collection) -> None:
    catalog.judgments.put(
        catalog_collection,
        queries=[Query("q", "x")],
        judgments=[
            Judgment("q", f"d{n}", 1, split) for n, split in enumerate(["dev", None, "dev"])
        ],
        pairs=[Pair("q", "x"), Pair("q", "y")],
    )
    counts = catalog.judgments.counts(catalog_collection)
    assert counts == JudgmentCounts(1, 3, 2, {None: 1, "dev": 2})


def test_one_bad_judgment_refuses_everything(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    with pytest.raises(InvalidJudgmentError):
        catalog.judgments.put(
            catalog_collection, queries=[Query("q", "x")], judgments=[Judgment("q", "d", -1)]
        )
    assert catalog.judgments.counts(catalog_collection).queries == 0


def test_a_deleted_collection_takes_no_judgments(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.delete("default")
    with pytest.raises(CollectionNotFoundError):
        catalog.judgments.put(catalog_collection, judgments=[Judgment("q", "d", 1)])
