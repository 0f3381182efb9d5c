"""An excerpt is one collection as it stood at one moment, whatever is written or killed since."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import ServerCursor
from sqlalchemy import Connection, event

from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.copies import copying
from molt.index.catalog.copies.excerpt import write_excerpt
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.errors import CollectionNotFoundError
from tests.damage import flaws_of

Open = Callable[[str], Catalog]


@pytest.fixture
def open_excerpt() -> Iterator[Open]:
    """`open_excerpt(url)`: opens the catalog there until the test ends."""
    opened: list[Catalog] = []

    def open_one(url: str) -> Catalog:
        opened.append(open_catalog(url))
        return opened[-1]

    yield open_one
    for catalog in opened:
        catalog.close()


@pytest.fixture
def filled(catalog: Catalog, catalog_collection: Collection) -> Collection:
    """The collection `default`, with something of everything."""
    changed = Document("a", "text ä", title="new", metadata={"z": 1, "a": [2.5]})
    catalog.documents.upsert(catalog_collection, [Document("a", "old"), Document("b", "text b")])
    catalog.documents.upsert(catalog_collection, [changed, Document("c", "text c")])
    catalog.documents.delete(catalog_collection, "b")
    catalog.judgments.put(
        catalog_collection,
        queries=[Query("q1", "a query", {"lang": "en"}), Query("q2", "another")],
        judgments=[Judgment("q1", "a", 2, "test"), Judgment("q2", "c", 1)],
        pairs=[Pair("a query", "a text")],
    )
    return catalog.collections.get("default")


def contents(catalog: Catalog, name: str = "default") -> dict[str, object]:
    """What a collection holds, of everything that is learned from."""
    collection = catalog.collections.get(name)
    return {
        "documents": catalog.documents.page(collection, limit=10_000),
        "queries": catalog.judgments.queries(collection),
        "judgments": catalog.judgments.graded(collection),
        "pairs": catalog.judgments.pairs(collection),
    }


def when_queries_are_read(catalog: Catalog, act: Callable[[], None]) -> None:
    """Documents have been read by then, judgments and pairs not yet."""

    @event.listens_for(catalog.database.engine, "before_cursor_execute")
    def look(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if "FROM queries" in statement:
            act()


def test_documents_queries_judgments_and_pairs_are_those_of_the_collection(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    expected = contents(catalog)
    assert contents(taken) == expected
    assert all(expected.values())


def test_what_searches_take_for_other_words_is_that_of_the_collection(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    rules = '[{"equivalent":["sofa","couch"]}]'
    catalog.synonyms.put("default", rules)
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    assert taken.synonyms.get(filled).rules == rules


def test_the_collection_is_the_same_one(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    assert taken.collections.list() == (filled,)
    assert flaws_of(taken) == []


def test_more_documents_than_are_copied_at_once_are_all_there(
    catalog: Catalog,
    filled: Collection,
    tmp_path: Path,
    open_excerpt: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copying, "_CHUNK", 2)
    catalog.documents.upsert(filled, [Document(f"d{n}", f"text {n}") for n in range(5)])
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    assert contents(taken) == contents(catalog)


def test_a_server_hands_its_rows_out_a_few_at_a_time(
    postgresql_url: str, tmp_path: Path, open_excerpt: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_CHUNK", 2)
    source = open_excerpt(postgresql_url)
    collection = source.collections.create("default")
    source.documents.upsert(collection, [Document(f"d{n}", f"text {n}") for n in range(5)])
    fetched: list[str] = []

    @event.listens_for(source.database.engine, "after_cursor_execute")
    def look(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if isinstance(cursor, ServerCursor):
            fetched.append(statement.partition("FROM ")[2].split()[0])

    taken = open_excerpt(write_excerpt(source, "default", tmp_path / "excerpt.sqlite3"))
    assert fetched == ["collections", "documents", "queries", "judgments", "pairs", "synonyms"]
    assert contents(taken) == contents(source)


def test_other_collections_are_left_out(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    other = catalog.collections.create("other")
    catalog.documents.upsert(other, [Document("theirs", "their text")])
    catalog.judgments.put(other, judgments=[Judgment("q1", "theirs", 1)])
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    assert [one.name for one in taken.collections.list()] == ["default"]
    assert taken.documents.page(replace(filled, id=other.id), limit=9) == []
    assert contents(taken) == contents(catalog)


def test_later_writes_do_not_show(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    before = contents(catalog)
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    catalog.documents.upsert(filled, [Document("late", "late text")])
    catalog.documents.delete(filled, "a")
    catalog.judgments.put(filled, judgments=[Judgment("q1", "late", 1)])
    assert contents(taken) == before != contents(catalog)


def test_what_is_written_meanwhile_does_not_show(
    catalog: Catalog,
    catalog_url: str,
    filled: Collection,
    tmp_path: Path,
    open_excerpt: Open,
) -> None:
    before = contents(catalog)
    other = open_excerpt(catalog_url)

    def write() -> None:
        other.judgments.put(filled, queries=[Query("late", "a late query")])
        other.documents.upsert(filled, [Document("late", "late text")])

    when_queries_are_read(catalog, write)
    taken = open_excerpt(write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3"))
    assert contents(taken) == before != contents(other)


def test_an_excerpt_that_is_there_is_left_as_it_is(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    before = contents(catalog)
    path = tmp_path / "excerpt.sqlite3"
    url = write_excerpt(catalog, "default", path)
    catalog.documents.upsert(filled, [Document("late", "late text")])
    assert write_excerpt(catalog, "default", path) == url
    assert contents(open_excerpt(url)) == before


def test_an_interrupted_copy_is_begun_anew(
    catalog: Catalog,
    filled: Collection,
    tmp_path: Path,
    open_excerpt: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "job" / "excerpt.sqlite3"

    def interrupt(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupting:
        interrupting.setattr(Path, "rename", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_excerpt(catalog, "default", path)
    assert [left.name for left in path.parent.iterdir()] == [".excerpt.sqlite3.unfinished"]
    for left in list(path.parent.iterdir()):
        left.write_bytes(b"half a database")
        left.with_name(f"{left.name}-wal").write_bytes(b"half a log")
    catalog.documents.upsert(filled, [Document("late", "late text")])
    taken = open_excerpt(write_excerpt(catalog, "default", path))
    assert contents(taken) == contents(catalog)
    assert {left.name.partition("-")[0] for left in path.parent.iterdir()} == {path.name}


def test_a_copy_that_fails_is_no_excerpt(
    catalog: Catalog, filled: Collection, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    when_queries_are_read(catalog, fail)
    with pytest.raises(ZeroDivisionError):
        write_excerpt(catalog, "default", tmp_path / "excerpt.sqlite3")
    assert not (tmp_path / "excerpt.sqlite3").exists()


def test_a_collection_that_does_not_exist_has_no_excerpt(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFoundError, match="'nothing'"):
        write_excerpt(catalog, "nothing", tmp_path / "excerpt.sqlite3")
    assert not (tmp_path / "excerpt.sqlite3").exists()


def test_any_path_may_hold_an_excerpt(
    catalog: Catalog, filled: Collection, tmp_path: Path, open_excerpt: Open
) -> None:
    path = tmp_path / "100%25 of? it#" / "excerpt.sqlite3"
    assert contents(open_excerpt(write_excerpt(catalog, "default", path))) == contents(catalog)
    assert path.exists()
