from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.errors import CatalogError


@pytest.mark.parametrize(
    "name", ["plain", "with space", "a?b", "a#b", "100%", "a%20b", "ä", "a@b:c"]
)
def test_the_catalog_of_a_home_lies_inside_it_whatever_its_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    open_catalog(home_url(home)).close()
    assert (home / "catalog.sqlite3").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_closed_catalog_leaves_one_file(catalog_home: Path) -> None:
    catalog = open_catalog(home_url(catalog_home))
    catalog.collections.create("default")
    catalog.close()
    assert [path.name for path in catalog_home.iterdir()] == ["catalog.sqlite3"]


def test_a_catalog_that_cannot_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite3").mkdir()
    with pytest.raises(CatalogError, match="cannot be opened"):
        open_catalog(home_url(tmp_path))
