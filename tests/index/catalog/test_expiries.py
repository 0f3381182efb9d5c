"""The moments at which documents expire follow the documents, and are never believed."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.copies.copying import copying_collection, reading_state
from molt.index.catalog.document import Document
from molt.index.catalog.expiries import Expired, Stated
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.catalog.tables import expiries
from molt.index.errors import (
    CollectionNotFoundError,
    InvalidFieldError,
    PreconditionFailedError,
)
from tests.damage import flaws_of


def read(metadata: Mapping[str, Any]) -> Stated | None:
    """A whole number in `until` is a moment; anything else is none."""
    said = metadata.get("until")
    if said is None:
        return None
    return Stated(said) if isinstance(said, int) else Stated(None)


@pytest.fixture
def shop(catalog: Catalog) -> Collection:
    """A collection whose documents expire by `until`."""
    return catalog.collections.create("shop", expiry_field="until")


def put(catalog: Catalog, collection: Collection, **until: object) -> None:
    documents = [
        Document(name, "text", metadata={} if said is None else {"until": said})
        for name, said in until.items()
    ]
    catalog.documents.upsert(collection, documents)


def follow(catalog: Catalog, name: str = "shop", *, limit: int = 100) -> int:
    """Follow up to the end; in how many steps."""
    steps = 0
    while catalog.expiries.follow(catalog.collections.get(name), read, limit=limit):
        steps += 1
    return steps


def expire(catalog: Catalog, *, now: int, limit: int = 100) -> Expired:
    return catalog.expiries.expire(catalog.collections.get("shop"), read, now=now, limit=limit)


def ids(catalog: Catalog, name: str = "shop") -> list[str]:
    collection = catalog.collections.get(name)
    return [one.document.id for one in catalog.documents.page(collection, limit=1000)]


def kept_rows(catalog: Catalog) -> int:
    with catalog.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(expiries)) or 0


def test_documents_are_deleted_when_their_time_has_come_and_not_before(
    catalog: Catalog, shop: Collection
) -> None:
    put(catalog, shop, a=10, b=20, never=None, broken="soon")
    follow(catalog)
    assert expire(catalog, now=9) == Expired(0, 0)
    assert expire(catalog, now=10) == Expired(1, 1)
    assert ids(catalog) == ["b", "broken", "never"]
    assert expire(catalog, now=1000) == Expired(1, 1)
    assert ids(catalog) == ["broken", "never"]
    assert catalog.collections.get("shop").expired == 2


def test_an_expiry_is_an_ordinary_deletion(catalog: Catalog, shop: Collection) -> None:
    put(catalog, shop, a=10, b=20, c=30)
    follow(catalog)
    expire(catalog, now=20)
    after = catalog.collections.get("shop")
    assert (after.revision, after.documents) == (5, 1)
    delta = catalog.documents.liveness(after, after=3)
    assert (sorted(delta.deleted.tolist()), delta.revision) == ([0, 1], 5)
    assert flaws_of(catalog) == []


def test_so_many_are_deleted_in_one_transaction_and_the_first_ones_first(
    catalog: Catalog, shop: Collection
) -> None:
    put(catalog, shop, **{f"d{n:02}": 100 - n for n in range(20)})
    follow(catalog)
    assert expire(catalog, now=100, limit=8) == Expired(8, 8)
    assert ids(catalog) == [f"d{n:02}" for n in range(12)]
    assert expire(catalog, now=100, limit=8) == Expired(8, 8)
    assert expire(catalog, now=100, limit=8) == Expired(4, 4)
    assert expire(catalog, now=100, limit=8) == Expired(0, 0)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_following_sees_every_change_however_few_are_read_at_once(
    catalog: Catalog, shop: Collection, limit: int
) -> None:
    put(catalog, shop, a=10, b=10, c=10, d=10, e=10)
    follow(catalog, limit=limit)
    put(catalog, shop, a=99, f=10, g=None)
    catalog.documents.patch(shop, [DocumentPatch("b", {"until": None})])
    catalog.documents.patch(shop, [DocumentPatch("g", {"until": 10})])
    catalog.documents.delete(shop, "c")
    put(catalog, shop, c=99)
    catalog.documents.delete(shop, "d")
    assert follow(catalog, limit=limit) >= 1
    assert follow(catalog, limit=limit) == 0
    assert kept_rows(catalog) == 5
    while expire(catalog, now=50, limit=limit).due:
        pass
    assert ids(catalog) == ["a", "b", "c"]
    assert catalog.collections.get("shop").expired == 3


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_nothing_is_kept_of_documents_that_were_deleted(
    catalog: Catalog, shop: Collection, limit: int
) -> None:
    put(catalog, shop, a=10, b=10, c=10, d=10, e=10, f=None)
    follow(catalog)
    catalog.documents.delete_many(shop, ["a", "b", "c", "d"])
    put(catalog, shop, f=10)
    follow(catalog, limit=limit)
    assert kept_rows(catalog) == 2


def test_a_document_that_was_changed_since_is_read_again_before_it_goes(
    catalog: Catalog, shop: Collection
) -> None:
    put(catalog, shop, later=10, never=10, sooner=90)
    follow(catalog)
    put(catalog, shop, later=50, never=None, sooner=10)
    assert expire(catalog, now=20) == Expired(2, 0)
    assert ids(catalog) == ["later", "never", "sooner"]
    assert expire(catalog, now=20) == Expired(0, 0)
    follow(catalog)
    assert expire(catalog, now=20) == Expired(1, 1)
    assert expire(catalog, now=50) == Expired(1, 1)
    assert ids(catalog) == ["never"]


def test_a_moment_that_was_damaged_deletes_nothing(catalog: Catalog, shop: Collection) -> None:
    put(catalog, shop, a=1000, b=2000)
    follow(catalog)
    with catalog.database.writing() as connection:
        connection.execute(update(expiries).values(at=1))
    assert expire(catalog, now=500) == Expired(2, 0)
    assert ids(catalog) == ["a", "b"]
    assert catalog.expiries.next_due(shop) == 1000


def test_another_field_holds_for_what_is_there_already(catalog: Catalog, shop: Collection) -> None:
    documents = [Document(f"d{n}", "text", metadata={"until": 10, "gone": n}) for n in range(6)]
    catalog.documents.upsert(shop, documents)
    follow(catalog)
    changed = catalog.expiries.choose("shop", "gone")
    assert changed == catalog.collections.get("shop")
    assert changed.expiry_field == "gone"

    def read_gone(metadata: Mapping[str, Any]) -> Stated | None:
        return Stated(metadata["gone"])

    assert catalog.expiries.expire(changed, read_gone, now=3) == Expired(0, 0)
    assert catalog.expiries.expire(changed, read_gone, now=10) == Expired(6, 6)
    assert catalog.expiries.follow(shop, read) is False
    assert catalog.expiries.expire(shop, read, now=99) == Expired(0, 0)


def test_who_read_the_former_field_deletes_nothing_by_it(
    catalog: Catalog, shop: Collection
) -> None:
    put(catalog, shop, a=10)
    follow(catalog)
    catalog.expiries.choose("shop", "other")
    assert catalog.expiries.expire(shop, read, now=99) == Expired(0, 0)
    assert ids(catalog) == ["a"]


def test_without_a_field_nothing_expires_and_nothing_is_kept_of_it(
    catalog: Catalog, shop: Collection
) -> None:
    put(catalog, shop, a=10, b="x")
    follow(catalog)
    assert kept_rows(catalog) == 2
    changed = catalog.expiries.choose("shop", None)
    assert changed.expiry_field is None
    assert kept_rows(catalog) == 0
    assert catalog.expiries.state(changed) is None
    assert catalog.expiries.choose("shop", "until").expiry_field == "until"
    follow(catalog)
    assert expire(catalog, now=10) == Expired(1, 1)


def test_the_state_names_the_next_and_those_that_cannot_be_read(
    catalog: Catalog, shop: Collection
) -> None:
    put(catalog, shop, a=5_000_000, b=7_000_000, c=None, x="soon", y=1.5)
    put(catalog, shop, **{f"z{n:02}": "?" for n in range(20)})
    state = catalog.expiries.state(catalog.collections.get("shop"))
    assert state is not None
    assert (state.complete, state.next, state.unreadable) == (False, None, 0)
    follow(catalog)
    state = catalog.expiries.state(catalog.collections.get("shop"))
    assert state is not None
    assert (state.complete, state.unreadable) == (True, 22)
    assert state.next == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert state.named == ("x", "y", *(f"z{n:02}" for n in range(8)))


@pytest.mark.parametrize(
    ("micros", "shown"),
    [(-(2**62), datetime.min.replace(tzinfo=UTC)), (2**62, datetime.max.replace(tzinfo=UTC))],
)
def test_a_moment_that_no_date_can_be_is_shown_as_the_nearest(
    catalog: Catalog, shop: Collection, micros: int, shown: datetime
) -> None:
    put(catalog, shop, a=micros)
    follow(catalog)
    state = catalog.expiries.state(catalog.collections.get("shop"))
    assert state is not None
    assert state.next == shown


def test_collections_keep_out_of_each_others_way(catalog: Catalog, shop: Collection) -> None:
    other = catalog.collections.create("other", expiry_field="until")
    put(catalog, shop, a=10)
    put(catalog, other, a=10, b=20)
    follow(catalog)
    follow(catalog, "other")
    expire(catalog, now=99)
    assert (ids(catalog), ids(catalog, "other")) == ([], ["a", "b"])
    catalog.collections.delete("other")
    assert kept_rows(catalog) == 0


def test_a_collection_that_was_deleted_is_an_error(catalog: Catalog, shop: Collection) -> None:
    put(catalog, shop, a=10)
    follow(catalog)
    late = catalog.collections.get("shop")
    catalog.collections.delete("shop")
    with pytest.raises(CollectionNotFoundError):
        catalog.expiries.choose("shop", "until")
    assert catalog.expiries.follow(replace(late, revision=9), read) is False
    assert catalog.expiries.expire(late, read, now=99) == Expired(0, 0)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("id", "the document's id; name a field of the metadata"),
        ("", "1 to 512 characters"),
        ("x" * 513, "1 to 512 characters"),
        ("a\0b", "NUL"),
    ],
)
def test_a_field_that_no_document_can_have_is_refused(
    catalog: Catalog, shop: Collection, field: str, reason: str
) -> None:
    with pytest.raises(InvalidFieldError, match=f"^expiry_field .*{reason}"):
        catalog.expiries.choose("shop", field)
    with pytest.raises(InvalidFieldError, match=f"^expiry_field .*{reason}"):
        catalog.collections.create("new", expiry_field=field)
    assert [one.name for one in catalog.collections.list()] == ["shop"]


def test_a_change_may_depend_on_the_revision(catalog: Catalog, shop: Collection) -> None:
    put(catalog, shop, a=10)
    with pytest.raises(PreconditionFailedError):
        catalog.expiries.choose("shop", "other", match=frozenset({0}))
    assert catalog.collections.get("shop").expiry_field == "until"
    assert catalog.expiries.choose("shop", "other", match=frozenset({1})).expiry_field == "other"


def test_a_copy_expires_as_the_catalog_does(
    catalog: Catalog, shop: Collection, tmp_path: Path
) -> None:
    put(catalog, shop, a=10, b=20)
    follow(catalog)
    expire(catalog, now=10)
    with reading_state(catalog) as state:
        state.write(tmp_path / "copy")
    with closing(open_catalog(f"sqlite:///{tmp_path / 'copy'}")) as copy:
        assert copy.collections.list() == catalog.collections.list()
        assert follow(copy) == follow(catalog) == 1
        assert expire(copy, now=20) == Expired(1, 1)
        assert copy.collections.get("shop").expired == 2


def test_a_collection_that_is_copied_under_another_name_expires_as_it_did(
    catalog: Catalog, shop: Collection, tmp_path: Path
) -> None:
    put(catalog, shop, a=10, b=20)
    follow(catalog)
    expire(catalog, now=10)
    (tmp_path / "other").mkdir()
    with closing(open_catalog(home_url(tmp_path / "other"))) as target:
        with copying_collection(catalog, target, name="shop", new_name="copy"):
            pass
        copied = target.collections.get("copy")
        assert (copied.expiry_field, copied.expired) == ("until", 1)
        assert target.expiries.expire(copied, read, now=20) == Expired(1, 1)


def test_metadata_are_read_so_few_at_a_time_that_they_fit_into_memory(
    catalog: Catalog, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.index.catalog.rows.expiring._CHARS", 30)
    put(catalog, shop, **{f"d{n}": 10 for n in range(10)})
    assert follow(catalog) > 1
    assert 0 < expire(catalog, now=10).deleted < 10
    while expire(catalog, now=10).due:
        pass
    assert ids(catalog) == []
