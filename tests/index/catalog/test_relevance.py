from random import Random

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.fields import MAX_ID_CHARS
from molt.index.catalog.judging.relevance import JudgmentCounts
from molt.index.catalog.judgments import Judgment, Pair, PairKind, Query
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


@pytest.mark.parametrize("first", [0x4E00, 0x20000], ids=["3 bytes", "4 bytes"])
def test_ids_of_every_length_are_kept_and_replaced(
    catalog: Catalog, catalog_collection: Collection, first: int
) -> None:
    query_id, doc_id, other = (random_id(first, seed=seed) for seed in range(3))
    judgments = [Judgment(query_id, one, 1) for one in sorted((doc_id, other))]
    queries = [Query(query_id, "q")]
    pairs = [Pair("q", doc_id=doc_id)]
    for _ in range(2):
        catalog.judgments.put(
            catalog_collection, queries=queries, judgments=judgments[::-1], pairs=pairs
        )
    catalog.judgments.put(catalog_collection, judgments=[Judgment(query_id, other, 2)])
    found = catalog.judgments.graded(catalog_collection)
    assert [judgment.doc_id for judgment in found] == sorted((doc_id, other))
    assert {judgment.doc_id: judgment.grade for judgment in found} == {doc_id: 1, other: 2}
    counts = catalog.judgments.counts(catalog_collection)
    assert counts == JudgmentCounts(1, 2, 1, {None: 2}, _plain(1))


def _plain(pairs: int) -> dict[PairKind, int]:
    return dict.fromkeys(PairKind, 0) | {PairKind.POSITIVE: pairs}


def random_id(first: int, *, seed: int) -> str:
    """The longest id there may be; nothing can compress it much."""
    chance = Random(seed)
    return "".join(chr(first + chance.randrange(0x2000)) for _ in range(MAX_ID_CHARS))


def test_judgments_come_by_code_point_whatever_the_bytes_or_the_language_say(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    ids = ["Z", "a", "a b", "aa", "ab", "\u00e4", "\uffee", "\U00010000"]
    given = [Judgment(query_id, doc_id, 1) for query_id in ids for doc_id in ids]
    catalog.judgments.put(catalog_collection, judgments=Random(7).sample(given, len(given)))
    assert catalog.judgments.graded(catalog_collection) == given


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
    assert counts == JudgmentCounts(1, 3, 2, {None: 1, "dev": 2}, _plain(2))


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


def test_judgments_of_what_the_collection_does_not_hold_are_counted_and_named(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, [Document("d1", "one")])
    other = catalog.collections.create("other")
    catalog.documents.upsert(other, [Document("d2", "two")])
    judged = [Judgment("q1", "d1", 1), Judgment("q1", "d2", 1), Judgment("q2", "d2", 1)]
    catalog.judgments.put(catalog_collection, queries=[Query("q1", "a")], judgments=judged)
    unknown = catalog.judgments.unknown_documents(catalog_collection)
    assert (unknown.judgments, unknown.ids) == (2, ("d2",))
    unknown = catalog.judgments.unknown_queries(catalog_collection)
    assert (unknown.judgments, unknown.ids) == (1, ("q2",))
