from concurrent.futures import ThreadPoolExecutor

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.errors import (
    AliasNotFoundError,
    CollectionExistsError,
    InvalidFieldError,
    NameTakenError,
)


def test_an_alias_stands_for_what_was_set_last(catalog: Catalog) -> None:
    assert catalog.aliases.get("default") is None
    catalog.aliases.set("default", "0123456789abcdef")
    catalog.aliases.set("default", "fedcba9876543210")
    catalog.aliases.set("other", "0000000000000000")
    assert catalog.aliases.get("default") == "fedcba9876543210"


@pytest.mark.parametrize("name", ["", "\ud800", "a\0"])
def test_what_cannot_be_a_name_stands_for_nothing(catalog: Catalog, name: str) -> None:
    assert catalog.aliases.get(name) is None
    with pytest.raises(InvalidFieldError, match="alias"):
        catalog.aliases.set(name, "x")


def test_aliases_are_listed_by_name_and_can_be_removed(catalog: Catalog) -> None:
    catalog.aliases.set("sentence-transformers/x", "default")
    catalog.aliases.set("ada", "shop")
    assert list(catalog.aliases.all().items()) == [
        ("ada", "shop"),
        ("sentence-transformers/x", "default"),
    ]
    catalog.aliases.remove("ada")
    assert catalog.aliases.get("ada") is None


@pytest.mark.parametrize("name", ["ada", "", "\0", "\ud800", "x" * 513])
def test_an_alias_that_is_not_there_cannot_be_removed(catalog: Catalog, name: str) -> None:
    with pytest.raises(AliasNotFoundError, match="molt alias list"):
        catalog.aliases.remove(name)


def test_an_alias_and_a_collection_never_have_one_name(catalog: Catalog) -> None:
    catalog.aliases.set("ada", "default")
    catalog.collections.create("shop")
    with pytest.raises(NameTakenError, match="'ada' is an alias"):
        catalog.collections.create("ada")
    with pytest.raises(NameTakenError, match="a collection 'shop'"):
        catalog.aliases.set("shop", "default")
    assert [each.name for each in catalog.collections.list()] == ["shop"]
    assert catalog.aliases.all() == {"ada": "default"}


def test_of_an_alias_and_a_collection_made_at_once_one_has_the_name(catalog: Catalog) -> None:
    makers = [
        lambda: catalog.aliases.set("ada", "default"),
        lambda: catalog.collections.create("ada"),
    ]
    with ThreadPoolExecutor(2) as threads:
        errors = [each.exception() for each in [threads.submit(make) for make in makers]]
    assert sorted(type(each) for each in errors if each) == [NameTakenError]
    assert len(catalog.collections.list()) + len(catalog.aliases.all()) == 1


def test_default_may_be_a_collection_too(catalog: Catalog) -> None:
    catalog.aliases.set("default", "a" * 16)
    catalog.collections.create("default")
    catalog.aliases.set("default", "b" * 16)
    assert catalog.aliases.all() == {"default": "b" * 16}


def test_no_collection_is_made_under_a_reserved_name_but_one_that_is_there_stays(
    catalog: Catalog,
) -> None:
    catalog.collections.create("old")
    catalog.collections.reserve({"ada", "old", "default"})
    with pytest.raises(NameTakenError):
        catalog.collections.create("ada")
    with pytest.raises(CollectionExistsError):
        catalog.collections.create("old")
    assert catalog.collections.create("default").name == "default"
    assert [each.name for each in catalog.collections.list()] == ["default", "old"]
