"""What a test split was judged with, written down once for each comparison."""

from contextlib import closing

import pytest

from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.accounts import JudgedSplit, Spending, SplitAccount
from molt.index.errors import CollectionNotFoundError


def split_of(*numbers: int, digest: str = "d1") -> JudgedSplit:
    return JudgedSplit(digest, frozenset(number.to_bytes(8) for number in numbers))


TEN = split_of(*range(10))


def halved(attempt: int, former: Spending | None) -> float:
    """Half of it each time; an attempt after one that gained has twice as much."""
    return 0.1 / 2**attempt * (2 if former is not None and former.gained else 1)


def spend(
    catalog: Catalog,
    collection: Collection,
    candidate: str,
    split: JudgedSplit = TEN,
    *,
    scale: float = 1.0,
) -> tuple[SplitAccount, Spending]:
    return catalog.accounts.spend(
        collection,
        split,
        candidate=candidate,
        baseline="base",
        renew_share=0.5,
        level_of=lambda *known: scale * halved(*known),
    )


def test_each_candidate_spends_and_is_numbered(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    spent = [spend(catalog, catalog_collection, name)[1] for name in "abc"]
    assert [(one.account, one.attempt, one.level) for one in spent] == [
        (1, 1, 0.05),
        (1, 2, 0.025),
        (1, 3, 0.0125),
    ]
    (account,) = catalog.accounts.list(catalog_collection)
    assert account.spendings == tuple(spent)
    assert account.split == TEN


def test_a_comparison_that_is_made_again_spends_nothing_more(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    first, _, again = (spend(catalog, catalog_collection, name)[1] for name in "aba")
    assert again == first
    assert [len(one.spendings) for one in catalog.accounts.list(catalog_collection)] == [2]


def test_what_is_judged_again_gets_no_higher_level_than_it_had(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    first = spend(catalog, catalog_collection, "a")[1]
    assert spend(catalog, catalog_collection, "a", scale=2)[1].level == first.level
    assert spend(catalog, catalog_collection, "a", scale=0.5)[1].level == first.level / 2


def test_what_was_spent_outlives_the_process(
    catalog: Catalog, catalog_collection: Collection, catalog_url: str
) -> None:
    spent = spend(catalog, catalog_collection, "a")[1]
    with closing(open_catalog(catalog_url)) as again:
        assert spend(again, catalog_collection, "a")[1] == spent
        assert spend(again, catalog_collection, "b")[1].attempt == 2


def test_a_level_is_given_by_what_came_of_the_attempt_before(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    spend(catalog, catalog_collection, "a")
    catalog.accounts.tell(catalog_collection, 1, 1, gained=True, report="r1")
    assert spend(catalog, catalog_collection, "b")[1].level == 0.05
    assert spend(catalog, catalog_collection, "c")[1].level == 0.0125


def test_what_came_of_an_attempt_is_told_once(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    spend(catalog, catalog_collection, "a")
    catalog.accounts.tell(catalog_collection, 1, 1, gained=False, report="r1")
    catalog.accounts.tell(catalog_collection, 1, 1, gained=True, report="r2")
    told = catalog.accounts.by_report(catalog_collection)
    assert {name: one.gained for name, one in told.items()} == {"r2": False}


def test_a_few_new_queries_are_another_look_at_the_same_account(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    spend(catalog, catalog_collection, "a")
    grown = split_of(*range(19), digest="d2")
    account, spent = spend(catalog, catalog_collection, "a", grown)
    assert (account.number, spent.attempt) == (1, 2)
    assert account.known(grown.queries) == 10


def test_as_many_new_queries_as_old_ones_open_another_account(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    spend(catalog, catalog_collection, "a")
    account, spent = spend(catalog, catalog_collection, "a", split_of(*range(20), digest="d2"))
    assert (account.number, spent.attempt, spent.level) == (2, 1, 0.05)
    assert [one.number for one in catalog.accounts.list(catalog_collection)] == [2, 1]


def test_who_goes_back_to_former_queries_goes_back_to_their_account(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    spend(catalog, catalog_collection, "a")
    spend(catalog, catalog_collection, "a", split_of(*range(100, 110), digest="d2"))
    account, spent = spend(catalog, catalog_collection, "b")
    assert (account.number, spent.attempt) == (1, 2)


def test_collections_have_accounts_of_their_own(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    other = catalog.collections.create("other")
    spend(catalog, catalog_collection, "a")
    assert spend(catalog, other, "a")[1].attempt == 1
    catalog.collections.delete("other")
    assert catalog.accounts.list(other) == ()
    with pytest.raises(CollectionNotFoundError):
        spend(catalog, other, "a")
