"""Curations as the catalog keeps them, in SQLite and in PostgreSQL."""

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.copies.copying import copying_collection
from molt.index.catalog.judging.curations import MOST_CURATED, Curation, SearchDefaults, normalised
from molt.index.errors import (
    CollectionNotFoundError,
    CurationNotFoundError,
    InvalidFieldError,
)
from tests.damage import flaws_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Warm Boots", " warm \t boots\n"),
        ("STRASSE", "straße"),
        ("ﬁne", "fine"),
        ("①", "1"),
        ("e\u0301t\u00e9", "\u00e9te\u0301"),
    ],
)
def test_queries_that_are_spelt_alike_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_other_words_and_another_order_are_another_query() -> None:
    assert len({normalised(one) for one in ("warm boots", "boots warm", "warmboots", "boot")}) == 4


def test_a_curation_replaces_the_one_of_the_same_query(catalog: Catalog) -> None:
    shop = catalog.collections.create("shop")
    catalog.curations.put("shop", Curation("Boots", ("a",)), most=9)
    kept = catalog.curations.put("shop", Curation(" boots ", ("c", "b", "c"), ("d",)), most=9)
    assert kept == Curation("boots", ("c", "b"), ("d",))
    catalog.curations.put("shop", Curation("a" * 8000, ("a",)), most=9)
    assert [one.query for one in catalog.curations.list(shop)] == ["a" * 8000, "boots"]
    assert catalog.curations.list(shop)[1] == kept
    assert flaws_of(catalog) == []


def test_every_change_is_counted_and_of_the_own_collection_alone(catalog: Catalog) -> None:
    shop, other = catalog.collections.create("shop"), catalog.collections.create("other")
    assert catalog.curations.defaults() == {}
    catalog.curations.put("shop", Curation("boots", ("a",)), most=9)
    catalog.curations.boost("shop", "[1]")
    catalog.curations.put("other", Curation("boots", ("b",)), most=9)
    catalog.curations.remove("shop", "BOOTS")
    assert catalog.curations.defaults() == {
        shop.id: SearchDefaults(2, "[1]"),
        other.id: SearchDefaults(1, None),
    }
    assert catalog.curations.list(shop) == ()
    assert catalog.curations.list(other) == (Curation("boots", ("b",)),)


def test_curations_go_with_their_collection(catalog: Catalog) -> None:
    catalog.collections.create("shop")
    catalog.curations.put("shop", Curation("boots", ("a",)), most=9)
    catalog.collections.delete("shop")
    assert catalog.curations.defaults() == {}
    assert catalog.curations.list(catalog.collections.create("shop")) == ()
    assert flaws_of(catalog) == []


def test_a_copy_of_a_collection_has_its_curations_and_boosts(catalog: Catalog) -> None:
    catalog.collections.create("shop")
    catalog.curations.put("shop", Curation("boots", ("a",)), most=9)
    catalog.curations.boost("shop", "[1]")
    with copying_collection(catalog, catalog, name="shop", new_name="copy"):
        pass
    copy = catalog.collections.get("copy")
    assert catalog.curations.list(copy) == (Curation("boots", ("a",)),)
    assert catalog.curations.defaults()[copy.id] == SearchDefaults(1, "[1]")


@pytest.mark.parametrize(
    "wrong",
    [
        Curation("boots"),
        Curation("  ", ("a",)),
        Curation("bo\0ots", ("a",)),
        Curation("boots", ("a", "b"), ("b",)),
        Curation("boots", ("",)),
        Curation("boots", tuple(str(at) for at in range(MOST_CURATED + 1))),
    ],
)
def test_a_curation_that_says_nothing_or_two_things_is_refused(
    catalog: Catalog, wrong: Curation
) -> None:
    catalog.collections.create("shop")
    with pytest.raises(InvalidFieldError):
        catalog.curations.put("shop", wrong, most=9)
    assert catalog.curations.defaults() == {}


def test_a_collection_has_no_more_than_it_may(catalog: Catalog) -> None:
    shop = catalog.collections.create("shop")
    for query in ("a", "b", "b"):
        catalog.curations.put("shop", Curation(query, ("x",)), most=2)
    with pytest.raises(InvalidFieldError, match="are 2 already"):
        catalog.curations.put("shop", Curation("c", ("x",)), most=2)
    assert [one.query for one in catalog.curations.list(shop)] == ["a", "b"]


def test_what_is_not_there_cannot_be_removed_or_changed(catalog: Catalog) -> None:
    catalog.collections.create("shop")
    with pytest.raises(CurationNotFoundError, match="'boots'"):
        catalog.curations.remove("shop", "Boots")
    for change in (
        lambda: catalog.curations.remove("none", "boots"),
        lambda: catalog.curations.put("none", Curation("boots", ("a",)), most=9),
        lambda: catalog.curations.boost("none", None),
    ):
        with pytest.raises(CollectionNotFoundError):
            change()
