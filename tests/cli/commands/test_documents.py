import json
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from tests.cli.conftest import Molt


@pytest.fixture
def books(molt: Molt, home: Path) -> Molt:
    """Runs a command over a home with three documents in the collection `books`."""
    molt("collections", "create", "books")
    catalog = open_catalog(home_url(home))
    documents = [Document(f"b{n}", f"text {n}", metadata={"price": n * 10}) for n in range(3)]
    catalog.documents.upsert(catalog.collections.get("books"), documents)
    catalog.close()
    return molt


def prices(molt: Molt) -> dict[str, object]:
    listed = molt("--json", "documents", "list", "books").value["documents"]
    return {one["id"]: one["metadata"].get("price") for one in listed}


def test_documents_are_printed_as_json_and_what_is_not_there_is_an_error(books: Molt) -> None:
    done = books("documents", "get", "books", "b2", "x", "b0")
    assert [one["id"] for one in done.lines] == ["b2", "b0"]
    assert (done.status, "'x'" in done.stderr) == (1, True)


def test_documents_are_listed_by_their_ids(books: Molt) -> None:
    listed = books("documents", "list", "books", "--after", "b0", "--limit", "1").stdout
    assert listed.splitlines() == ["id\trevision\tdocument", "b1\t2\ttext 1"]


def test_documents_are_counted_all_of_them_or_those_of_a_filter(books: Molt) -> None:
    assert books("--json", "documents", "count", "books").value == {"documents": 3}
    where = '{"field": "price", "gte": 10}'
    done = books("--json", "documents", "count", "books", "--filter", where)
    assert done.value == {"documents": 2}
    assert books("documents", "count", "books", "--filter", "{").status == 2


def test_one_document_is_patched(books: Molt) -> None:
    assert books("documents", "patch", "books", "b1", '{"price": null}').status == 0
    assert prices(books) == {"b0": 0, "b1": None, "b2": 20}


def test_a_file_of_patches_is_applied_and_what_is_not_there_is_named(
    books: Molt, tmp_path: Path
) -> None:
    file = tmp_path / "prices.jsonl"
    patches = [{"id": one, "metadata": {"price": 5}} for one in ("b0", "b9", "b2")]
    file.write_text("\n".join(map(json.dumps, patches)))
    done = books("--json", "documents", "patch", "books", "--file", str(file))
    assert done.value == {"accepted": 2, "missing": ["b9"]}
    assert (done.status, "'b9'" in done.stderr) == (1, True)
    assert prices(books) == {"b0": 5, "b1": 10, "b2": 5}


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "b1", "price": 2}', '{"metadata": {}}', "7"])
def test_a_wrong_line_is_named_and_those_before_it_are_taken(books: Molt, line: str) -> None:
    lines = '{"id": "b0", "metadata": {"price": 5}}\n' + line + "\n"
    done = books("documents", "patch", "books", "--file", "-", stdin=lines)
    assert (done.status, "line 2: " in done.stderr, "unexpected" in done.stderr) == (1, True, False)
    assert prices(books)["b0"] == 5


@pytest.mark.parametrize(
    "arguments", [[], ["b0"], ["b0", "[]"], ["b0", "{"], ["b0", "{}", "--file", "-"]]
)
def test_a_patch_is_given_in_one_way(books: Molt, arguments: list[str]) -> None:
    assert books("documents", "patch", "books", *arguments).status == 2


def test_documents_are_deleted_by_ids_after_asking(books: Molt) -> None:
    kept = books("documents", "delete", "books", "b0", stdin="n\n")
    assert (kept.status, "Delete 1 documents of books?" in kept.stderr) == (1, True)
    done = books("--json", "documents", "delete", "books", "b0", "x", "--yes")
    assert (done.value, done.status) == ({"deleted": 1, "missing": ["x"]}, 1)
    assert set(prices(books)) == {"b1", "b2"}


def test_documents_are_deleted_by_a_filter_after_saying_how_many(books: Molt) -> None:
    where = '{"field": "price", "lt": 20}'
    done = books("documents", "delete", "books", "--filter", where, stdin="y\n")
    assert (done.status, "Delete 2 documents of books?" in done.stderr) == (0, True)
    assert set(prices(books)) == {"b2"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--filter", "{}"],
        ["--filter", '{"field": "prize", "exists": false}'],
        [],
        ["b0", "--filter", "{}"],
    ],
)
def test_nothing_is_deleted_where_it_is_not_clear_what(books: Molt, arguments: list[str]) -> None:
    assert books("documents", "delete", "books", "--yes", *arguments).status != 0
    assert len(prices(books)) == 3
