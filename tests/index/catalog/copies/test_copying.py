"""A copied catalog, or collection, is what it was at one moment, in whichever database it lies."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import Catalog, open_catalog, sqlite_url
from molt.index.catalog.collection import Collection
from molt.index.catalog.copies.copying import copying_collection, reading_state
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judgments import Judgment, Query
from molt.index.catalog.releases import Reason
from molt.index.errors import CollectionExistsError, CollectionNotFoundError
from tests.damage import flaws_of
from tests.kept_events import kept_events

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@pytest.fixture
def filled(catalog: Catalog, catalog_collection: Collection) -> Collection:
    """The collection `default` after a deleted one, with something of everything."""
    catalog.documents.upsert(catalog_collection, [Document("a", "text ä"), Document("b", "b")])
    catalog.documents.delete(catalog_collection, "b")
    catalog.judgments.put(
        catalog_collection, queries=[Query("q", "query")], judgments=[Judgment("q", "a", 1)]
    )
    catalog.events.append(catalog_collection, [Event("click", AT, "q"), Event("view", AT)])
    catalog.collections.analyse("default", '{"language":"german"}')
    catalog.synonyms.put("default", '[{"equivalent":["a","b"]}]')
    catalog.keys.create("ci", Role.READ)
    catalog.aliases.set("default", "c" * 16)
    catalog.builds.begin(catalog_collection, job="job", generation="1" * 32)
    catalog.failures.note("default", kind="retrain", job="job", reason="memory")
    catalog.collections.point("default", generation="0" * 32, reason=Reason("ci", "why", "r"))
    return catalog.collections.get("default")


def contents(catalog: Catalog, name: str) -> dict[str, object]:
    collection = catalog.collections.get(name)
    return {
        "documents": catalog.documents.page(collection, limit=100),
        "deleted": catalog.documents.liveness(collection).deleted.tolist(),
        "queries": catalog.judgments.queries(collection),
        "judgments": catalog.judgments.graded(collection),
        "events": kept_events(catalog, collection),
        "revision": collection.revision,
        "analysis": collection.analysis,
        "synonyms": catalog.synonyms.get(collection),
    }


def test_everything_is_copied_but_the_builds_of_jobs(
    catalog: Catalog, filled: Collection, tmp_path: Path
) -> None:
    catalog.collections.create("other")
    with reading_state(catalog) as state:
        state.write(tmp_path / "copy")
        assert (state.collections, state.aliased) == (catalog.collections.list(), {"c" * 16})
    with closing(open_catalog(sqlite_url(tmp_path / "copy"))) as copy:
        assert contents(copy, "default") == contents(catalog, "default")
        assert copy.collections.list() == catalog.collections.list()
        assert copy.collections.releases("default") == catalog.collections.releases("default")
        assert copy.keys.list() == catalog.keys.list() != ()
        assert copy.failures.list() == catalog.failures.list() != ()
        assert copy.aliases.get("default") == "c" * 16
        assert copy.builds.jobs() == {}
        assert flaws_of(copy) == []


def test_what_is_written_after_the_state_was_read_is_not_in_it(
    catalog: Catalog, filled: Collection, tmp_path: Path
) -> None:
    before = contents(catalog, "default")
    with reading_state(catalog) as state:
        catalog.documents.upsert(filled, [Document("late", "late")])
        state.write(tmp_path / "copy")
    with closing(open_catalog(sqlite_url(tmp_path / "copy"))) as copy:
        assert contents(copy, "default") == before != contents(catalog, "default")


def test_a_collection_is_copied_under_another_name_and_both_go_on(
    catalog: Catalog, filled: Collection
) -> None:
    with copying_collection(catalog, catalog, name="default", new_name="copy") as move:
        move.to("2" * 32, reason=Reason(text="restored"))
    assert contents(catalog, "copy") == contents(catalog, "default")
    copy = catalog.collections.get("copy")
    assert (copy.generation, copy.epoch, copy.id != filled.id) == ("2" * 32, 1, True)
    for collection in (copy, filled):
        catalog.documents.upsert(collection, [Document("c", collection.name)])
        catalog.events.append(collection, [Event("later", AT)])
    assert catalog.documents.get(copy, "c").ordinal == catalog.documents.get(filled, "c").ordinal
    assert len(kept_events(catalog, copy)) == len(kept_events(catalog, filled)) == 3


def test_nothing_is_kept_of_a_copy_that_fails(catalog: Catalog, filled: Collection) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        copying_collection(catalog, catalog, name="default", new_name="copy"),
    ):
        raise ZeroDivisionError
    assert catalog.collections.list() == (filled,)
    assert len(kept_events(catalog, filled)) == 2


def test_a_taken_name_and_an_unknown_collection_are_refused(
    catalog: Catalog, filled: Collection
) -> None:
    for name, new_name, error in (
        ("default", "default", CollectionExistsError),
        ("nothing", "copy", CollectionNotFoundError),
    ):
        with (
            pytest.raises(error),
            copying_collection(catalog, catalog, name=name, new_name=new_name),
        ):
            pass
    assert catalog.collections.list() == (filled,)
