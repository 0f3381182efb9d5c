from contextlib import closing
from pathlib import Path

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from tests.cli.conftest import Molt


def test_a_created_collection_is_listed(molt: Molt) -> None:
    assert molt("collections", "create", "books").status == 0
    (listed,) = molt("--json", "collections", "list").value["collections"]
    assert (listed["name"], listed["documents"], listed["generation"]) == ("books", 0, None)


def test_a_deleted_collection_is_gone(molt: Molt) -> None:
    molt("collections", "create", "books")
    assert molt("collections", "delete", "books", "--yes").status == 0
    assert molt("--json", "collections", "list").value == {"collections": []}


def test_deleting_asks_first_and_no_keeps_it(molt: Molt) -> None:
    molt("collections", "create", "books")
    refused = molt("collections", "delete", "books", stdin="n\n")
    assert refused.status == 1
    assert "Delete books with its 0 documents?" in refused.stderr
    assert len(molt("--json", "collections", "list").value["collections"]) == 1


def test_a_name_that_is_taken_is_an_error(molt: Molt) -> None:
    molt("collections", "create", "books")
    again = molt("collections", "create", "books")
    assert (again.status, again.stdout) == (1, "")
    assert "already" in again.stderr


def test_a_home_that_is_not_there_is_named_and_not_made(molt: Molt, home: Path) -> None:
    listed = molt("collections", "list")
    assert listed.status == 1
    assert str(home) in listed.stderr
    assert "--home" in listed.stderr
    assert not home.exists()


def test_an_empty_list_says_so_on_standard_error_only(molt: Molt) -> None:
    molt("keys", "create", "--role", "read")
    listed = molt("collections", "list")
    assert (listed.status, listed.stdout) == (0, "")
    assert "No collections yet" in listed.stderr


def test_documents_expire_by_the_field_that_was_named(molt: Molt) -> None:
    made = molt("--json", "collections", "create", "shop", "--expiry-field", "until")
    assert made.value["expiry_field"] == "until"
    shown = molt("--json", "collections", "show", "shop").value
    assert shown["expiry_field"] == "until"
    assert (shown["expired_total"], shown["expiry"]["unreadable"]) == (0, 0)


def test_a_field_is_changed_and_taken_back(molt: Molt) -> None:
    molt("collections", "create", "shop")
    changed = molt("--json", "collections", "set", "shop", "--expiry-field", "until")
    assert (changed.status, changed.value["expiry_field"]) == (0, "until")
    assert changed.value["warnings"] == []
    back = molt("--json", "collections", "set", "shop", "--no-expiry-field")
    assert (back.value["expiry_field"], back.value["expiry"]) == (None, None)


def test_what_will_not_expire_is_told(molt: Molt, home: Path, tmp_path: Path) -> None:
    molt("collections", "create", "shop")
    with closing(open_catalog(home_url(home))) as catalog:
        documents = [Document("a", "text", metadata={"until": "soon"}), Document("b", "text")]
        catalog.documents.upsert(catalog.collections.get("shop"), documents)
    changed = molt("collections", "set", "shop", "--expiry-field", "until")
    assert changed.status == 0
    assert "expiry_field\tuntil" in changed.stdout
    assert "Warning: of the first 2 documents none has a date" in changed.stderr
    assert "'a'" in changed.stderr


def test_either_a_field_or_none_is_to_be_given(molt: Molt) -> None:
    molt("collections", "create", "shop")
    assert molt("collections", "set", "shop").status == 2
    both = molt("collections", "set", "shop", "--expiry-field", "x", "--no-expiry-field")
    assert both.status == 2
    assert "--no-expiry-field" in both.stderr
    refused = molt("collections", "set", "shop", "--expiry-field", "id")
    assert refused.status == 1
    assert "is the document's id" in refused.stderr


def test_how_long_texts_are_split_is_chosen_and_changed(molt: Molt) -> None:
    made = molt("--json", "collections", "create", "shop", "--passages", "128", "--overlap", "16")
    assert made.value["passages"] == {"split": True, "tokens": 128, "overlap": 16}
    assert "128 --overlap 16" in molt("collections", "show", "shop").stdout
    changed = molt("--json", "collections", "set", "shop", "--passages", "fit").value
    assert changed["passages"] == {"split": True, "tokens": None, "overlap": 0}
    whole = molt("--json", "collections", "set", "shop", "--passages", "whole").value
    assert whole["passages"]["split"] is False
    plain = molt("--json", "collections", "create", "other").value
    assert plain["passages"]["split"] is False


def test_a_splitting_that_cannot_be_is_refused(molt: Molt) -> None:
    molt("collections", "create", "shop")
    for wrong in (["many"], ["whole", "--overlap", "3"]):
        refused = molt("collections", "set", "shop", "--passages", *wrong)
        assert refused.status == 2
    assert molt("collections", "set", "shop", "--passages", "3").status == 1
    assert molt("collections", "set", "shop").status == 2
