"""What SQLite finds wrong with a file, which is neither made nor changed by asking."""

import os
from pathlib import Path

import pytest

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.storage.soundness import is_sqlite, sqlite_flaws
from molt.index.errors import CatalogError
from tests.damage import spoil


def test_a_sound_file_has_no_flaw(tmp_path: Path) -> None:
    open_catalog(home_url(tmp_path)).close()
    path = tmp_path / "catalog.sqlite3"
    assert is_sqlite(path)
    assert sqlite_flaws(path) == []


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "is empty"),
        (os.urandom(20_000), "not an SQLite database"),
        (b"SQLite format 3\0" + b"x" * 5000, "first page is damaged"),
    ],
    ids=["empty", "random", "only-the-beginning"],
)
def test_what_is_no_database_is_told_and_left_alone(
    tmp_path: Path, content: bytes, flaw: str
) -> None:
    path = tmp_path / "jobs.sqlite3"
    path.write_bytes(content)
    (found,) = sqlite_flaws(path)
    assert flaw in found
    assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["jobs.sqlite3"]


def hydrated(catalog: Catalog, collection: Collection) -> list[Document]:
    """Its first two documents, as a search reads them."""
    found = catalog.documents.hydrate(collection, [0, 1]).values()
    return [stored.document for stored in found]


def test_a_text_that_is_no_utf8_any_more_is_an_error_that_does_not_quote_it(
    tmp_path: Path,
) -> None:
    catalog = open_catalog(home_url(tmp_path))
    shop = catalog.collections.create("shop")
    catalog.documents.upsert(shop, [Document("a", "a secret"), Document("b", "harmless")])
    spoil(catalog, "UPDATE documents SET text = CAST(x'73656372657420ff' AS TEXT) WHERE doc_id='a'")
    for read in (lambda: catalog.documents.get(shop, "a"), lambda: hydrated(catalog, shop)):
        with pytest.raises(CatalogError, match="is damaged") as caught:
            read()
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert [(one.doc_id, one.text) for one in catalog.documents.texts(shop)] == [
        ("a", None),
        ("b", "harmless"),
    ]
    catalog.close()


def test_metadata_that_is_no_json_any_more_is_an_error_that_names_the_document(
    tmp_path: Path,
) -> None:
    catalog = open_catalog(home_url(tmp_path))
    shop = catalog.collections.create("shop")
    catalog.documents.upsert(shop, [Document("a", "text", metadata={"secret": 1})])
    spoil(catalog, "UPDATE documents SET metadata = '{\"secret\"'")
    with pytest.raises(CatalogError, match="document 'a'") as caught:
        catalog.documents.get(shop, "a")
    assert "secret" not in str(caught.value)
    catalog.close()
