import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.pages import NO_SPLIT
from molt.index.catalog.judging.pairs import PairSelection
from molt.index.catalog.judgments import Pair, PairKind
from molt.index.errors import InvalidFieldError

PAIRS = [
    Pair("boots", "a boot"),
    Pair("boots", None, "d1"),
    Pair("boots", "a boot", "d1", negative="a tent", split="train"),
    Pair("boots", "a boot", negative="a sandal"),
    Pair("tent", "a tent", score=1.0, split="test"),
    Pair("tent", "a sandal", score=0.1),
]


@pytest.fixture
def paired(catalog: Catalog, catalog_collection: Collection) -> Collection:
    other = catalog.collections.create("other")
    for collection in (catalog_collection, other):
        catalog.judgments.put(collection, pairs=PAIRS)
    return catalog_collection


def test_pages_of_pairs_are_all_of_them_as_they_were_given(
    catalog: Catalog, paired: Collection
) -> None:
    found: list[Pair] = []
    after = None
    while page := catalog.pairs.page(paired, after=after, limit=2):
        found += [one.pair for one in page]
        after = page[-1].id
    assert found == catalog.judgments.pairs(paired)
    assert sorted(found, key=repr) == sorted(PAIRS, key=repr)


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (PairSelection(query="tent"), PAIRS[4:]),
        (PairSelection(kind=PairKind.CONTRAST), PAIRS[2:4]),
        (PairSelection(kind=PairKind.SCORED), PAIRS[4:]),
        (PairSelection(kind=PairKind.POSITIVE), PAIRS[:2]),
        (PairSelection(split="Train"), PAIRS[2:3]),
        (PairSelection(split=NO_SPLIT, query="tent"), PAIRS[5:]),
        (PairSelection(query="ten"), []),
    ],
)
def test_pairs_are_selected_and_deleted_by_what_they_say(
    catalog: Catalog, paired: Collection, selection: PairSelection, chosen: list[Pair]
) -> None:
    found = [one.pair for one in catalog.pairs.page(paired, selection, limit=9)]
    assert sorted(found, key=repr) == sorted(chosen, key=repr)
    assert catalog.pairs.delete(paired, selection) == len(chosen)
    left = catalog.judgments.pairs(paired)
    assert sorted([*left, *chosen], key=repr) == sorted(PAIRS, key=repr)
    other = catalog.collections.get("other")
    assert len(catalog.judgments.pairs(other)) == len(PAIRS)


def test_a_pair_is_deleted_by_its_id(catalog: Catalog, paired: Collection) -> None:
    first, *rest = catalog.pairs.page(paired, limit=9)
    assert catalog.pairs.delete(paired, PairSelection(id=first.id)) == 1
    assert catalog.pairs.page(paired, limit=9) == rest


@pytest.mark.parametrize("wrong", ["", "x", "ab" * 15, "AB" * 16, "ab" * 17])
def test_what_is_no_id_of_a_pair_is_refused(
    catalog: Catalog, paired: Collection, wrong: str
) -> None:
    with pytest.raises(InvalidFieldError, match="32 hexadecimal digits"):
        catalog.pairs.delete(paired, PairSelection(id=wrong))
    with pytest.raises(InvalidFieldError, match="after is no id"):
        catalog.pairs.page(paired, after=wrong, limit=1)


def test_a_page_holds_as_many_characters_as_it_may_and_one_pair_at_least(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.judgments.put(
        catalog_collection, pairs=[Pair(letter * 60, "b" * 30, negative="c") for letter in "xyz"]
    )
    sizes = [
        len(catalog.pairs.page(catalog_collection, limit=9, max_chars=most))
        for most in (1, 181, 182, 272, 273)
    ]
    assert sizes == [1, 1, 2, 2, 3]


def test_a_later_score_of_the_same_texts_replaces_the_earlier_one(
    catalog: Catalog, paired: Collection
) -> None:
    catalog.judgments.put(paired, pairs=[Pair("tent", "a sandal", score=0.3, split="dev")])
    found = catalog.pairs.page(paired, PairSelection(query="tent"), limit=9)
    assert Pair("tent", "a sandal", score=0.3, split="dev") in [one.pair for one in found]
    assert len(found) == 2


def test_pairs_are_counted_by_what_they_say(catalog: Catalog, paired: Collection) -> None:
    counts = catalog.judgments.counts(paired)
    assert counts.pairs == 6
    assert counts.pair_kinds == dict.fromkeys(PairKind, 2)
