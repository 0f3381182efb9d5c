import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.errors import InvalidFieldError


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
