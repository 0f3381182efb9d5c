"""Documents patched and deleted by many, on SQLite and on PostgreSQL."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import Ack
from molt.index.catalog.rows import applying, reading
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.catalog.rows.preconditions import Precondition
from molt.index.errors import InvalidDocumentError, PreconditionFailedError


@pytest.fixture(autouse=True)
def documents(catalog: Catalog, catalog_collection: Collection) -> None:
    given = [Document(f"d{n}", f"text {n}", metadata={"n": n}) for n in range(4)]
    catalog.documents.upsert(catalog_collection, given)


def left(catalog: Catalog, collection: Collection) -> dict[str, tuple[int, object]]:
    found = catalog.documents.page(collection, limit=99)
    return {one.document.id: (one.revision, one.document.metadata["n"]) for one in found}


def test_a_patch_is_a_change_only_where_something_changes(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    patches = [DocumentPatch("d0", {"n": 0}), DocumentPatch("d1", {"n": 9}), DocumentPatch("x", {})]
    ack = catalog.documents.patch(catalog_collection, patches)
    assert ack == Ack(2, 5, missing=("x",))
    assert ack.revisions == {"d0": 1, "d1": 5}
    assert left(catalog, catalog_collection)["d1"] == (5, 9)


@pytest.fixture
def statements(catalog: Catalog) -> Iterator[list[str]]:
    """All that is sent to the database from now on."""
    sent: list[str] = []

    def keep(*given: Any) -> None:
        sent.append(given[2])

    event.listen(catalog.database.engine, "before_cursor_execute", keep)
    yield sent
    event.remove(catalog.database.engine, "before_cursor_execute", keep)


def test_where_metadata_alone_change_no_text_is_read_or_written(
    catalog: Catalog, catalog_collection: Collection, statements: list[str]
) -> None:
    patches = [DocumentPatch("d0", {"n": 5}), DocumentPatch("d0", {"m": 1}), DocumentPatch("x", {})]
    catalog.documents.patch(catalog_collection, patches)
    told = " ".join(statements)
    assert "metadata" in told
    assert not re.search(r"\btext\b|\btitle\b", told)
    kept = catalog.documents.get(catalog_collection, "d0").document
    assert kept == Document("d0", "text 0", metadata={"n": 5, "m": 1})


def test_documents_are_patched_so_many_at_a_time_that_their_texts_fit(
    catalog: Catalog, catalog_collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    fetch = reading.fetch_by_id

    def fetch_some(*given: Any) -> Any:
        fetched.append(len(given[2]))
        return fetch(*given)

    monkeypatch.setattr(applying, "fetch_by_id", fetch_some)
    monkeypatch.setattr(applying, "_CHARS", 30)
    patches = [DocumentPatch(f"d{n}", {"n": -n}, title="T") for n in range(4)]
    patches.append(DocumentPatch("nobody", {}, title="T"))
    ack = catalog.documents.patch(catalog_collection, patches)
    assert fetched == [2, 2]
    assert ack == Ack(4, 8, missing=("nobody",))
    assert sorted(ack.revisions.values()) == [5, 6, 7, 8]
    assert {n for _, n in left(catalog, catalog_collection).values()} == {0, -1, -2, -3}


def test_a_patch_that_cannot_be_kept_undoes_those_before_it(
    catalog: Catalog, catalog_collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "_CHARS", 1)
    before = left(catalog, catalog_collection)
    wrong = DocumentPatch("d3", {}, text="")
    for last in (wrong, DocumentPatch("d3", {"n": float("nan")})):
        patches = [DocumentPatch("d0", {"n": 9}), DocumentPatch("d1", {"n": 9}, title="T"), last]
        with pytest.raises(InvalidDocumentError):
            catalog.documents.patch(catalog_collection, patches)
    assert left(catalog, catalog_collection) == before


def test_what_cannot_be_an_id_is_missing_and_no_error(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    odd = ["", "a\0b", "x" * 600, "\ud800"]
    assert catalog.documents.delete_many(catalog_collection, odd).missing == tuple(odd)
    assert catalog.documents.get_many(catalog_collection, odd, max_chars=9).documents == []
    with pytest.raises(InvalidDocumentError):
        catalog.documents.patch(catalog_collection, [DocumentPatch("d0", {"n": "\0"})])


def test_each_deleted_document_takes_a_revision_and_its_ordinal_is_buried(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    ack = catalog.documents.delete_many(catalog_collection, ["d2", "nobody", "d0", "d2"])
    assert ack == Ack(2, 6, missing=("nobody",))
    liveness = catalog.documents.liveness(catalog_collection, after=4)
    assert (sorted(liveness.deleted.tolist()), liveness.revision) == ([0, 2], 6)
    now = catalog.collections.get("default")
    assert (now.documents, now.revision) == (2, 6)


def test_documents_are_deleted_at_their_ordinals_where_nothing_changed_since(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, [Document("d1", "new", metadata={"n": 1})])
    ack = catalog.documents.delete_at(catalog_collection, [0, 1, 99, 3], revision=4)
    assert ack == Ack(2, 7)
    assert set(left(catalog, catalog_collection)) == {"d1", "d2"}


@pytest.mark.parametrize(
    "given",
    [
        Precondition(match=frozenset({1})),
        Precondition(match=frozenset({3}), counted=True),
        Precondition(exist=False),
    ],
)
def test_where_a_precondition_does_not_hold_nothing_is_written(
    catalog: Catalog, catalog_collection: Collection, given: Precondition
) -> None:
    before = left(catalog, catalog_collection)
    writes = [
        lambda: catalog.documents.upsert(
            catalog_collection, [Document("d1", "x"), Document("d0", "x")], given=given
        ),
        lambda: catalog.documents.patch(
            catalog_collection, [DocumentPatch("d1", {"n": 7})], given=given
        ),
        lambda: catalog.documents.delete_many(catalog_collection, ["d1"], given=given),
        lambda: catalog.documents.delete(catalog_collection, "d1", given=given),
    ]
    for write in writes:
        with pytest.raises(PreconditionFailedError) as caught:
            write()
        assert caught.value.revision == 2
    assert left(catalog, catalog_collection) == before
