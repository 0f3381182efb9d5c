from pathlib import Path

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
