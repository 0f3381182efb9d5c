"""The pointer moves to a generation that is complete at that very moment, or it stays."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from molt.artifact.faultpoint import ARMED, FIRED
from molt.index.catalog import collections as collections_module
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.errors import CollectionNotFoundError, GenerationError
from molt.index.generations import flip as flip_module
from molt.index.generations.flip import FEW, FIRST_INSIDE, MOST_INSIDE, PATIENT_ROUNDS, flip
from molt.index.generations.generation import GenerationStore
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.exact import Vectors
from tests.damage import flaws_of
from tests.index.segment_fixtures import CountingEncoder
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P2", "writers and readers beside the move of a pointer")

WHY = Reason("ops", "better on test", "r1")

WRITING = """
import sys, threading
from molt.index.catalog.catalog import open_catalog
from molt.index.catalog.document import Document
catalog = open_catalog(sys.argv[1])
collection = catalog.collections.get("default")
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
print("writing", flush=True)
n = 0
while not stopped.is_set():
    catalog.documents.upsert(collection, [Document(f"process{n}", f"text of process{n}")])
    n += 1
print(n)
"""

FLIPPING = """
import sys
import numpy as np
from pathlib import Path
from molt.index.catalog.catalog import open_catalog
from molt.index.generations.flip import flip
from molt.index.generations.generation import GenerationStore
from molt.index.catalog.releases import Reason
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
home, url, generation = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
catalog = open_catalog(url)
writer = GenerationWriter(
    GenerationStore(home / "generations"),
    generation,
    catalog=catalog,
    collection=catalog.collections.get("default"),
    encoder=PassageEncoder(lambda texts: np.eye(1, 16, dtype=np.float32).repeat(len(texts), 0)),
)
flip(catalog, writer, "default", reason=Reason("ops"))
"""


@dataclass
class Home:
    """One collection, `default`, and an encoder that notes whether writers wait for it."""

    path: Path
    url: str
    catalog: Catalog
    collection: Collection
    store: GenerationStore
    open: Callable[..., GenerationWriter]
    encoder: CountingEncoder
    sealed: list[tuple[int, bool]] = field(default_factory=list)
    """How many texts were encoded at once, and whether who writes had to wait."""

    def put(self, *ids: str) -> None:
        documents = [Document(one, f"text of {one}") for one in ids]
        self.catalog.documents.upsert(self.collection, documents)

    def create(self) -> str:
        """A new generation; its id."""
        return self.store.create(
            collection=self.collection.id, checkpoint="c" * 16, dimension=16
        ).id

    def writer(self, generation: str | None = None) -> GenerationWriter:
        return self.open(generation or self.create(), encoder=PassageEncoder(self._embed))

    def flip(self, writer: GenerationWriter, *, reason: Reason = WHY) -> Collection:
        return flip(self.catalog, writer, "default", reason=reason)

    def found(self, writer: GenerationWriter) -> int:
        """How many documents a search finds."""
        return writer.snapshot.search(self.encoder.vector("any"), k=1).total

    def now(self) -> Collection:
        return self.catalog.collections.get("default")

    def is_locked(self) -> bool:
        """Would who writes a document now have to wait?"""
        if self.url.startswith("sqlite"):
            look, patience = "BEGIN IMMEDIATE", {"timeout": 0, "isolation_level": None}
        else:
            look, patience = "SELECT * FROM collections FOR UPDATE NOWAIT", {}
        engine = create_engine(self.url, connect_args=patience)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(look)
        except OperationalError:
            return True
        finally:
            engine.dispose()
        return False

    def _embed(self, texts: Sequence[str]) -> Vectors:
        self.sealed.append((len(texts), self.is_locked()))
        return self.encoder(texts)


@pytest.fixture(params=["sqlite", "postgresql"])
def segment_catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        return home_url(tmp_path)
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def home(
    segment_catalog_url: str,
    segment_catalog: Catalog,
    segment_collection: Collection,
    segment_store: GenerationStore,
    segment_writer: Callable[..., GenerationWriter],
) -> Home:
    return Home(
        segment_store.root.parent,
        segment_catalog_url,
        segment_catalog,
        segment_collection,
        segment_store,
        segment_writer,
        CountingEncoder(),
    )


@pytest.fixture
def when(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`when("flip.caught_up", act)`: does something there, the first time."""

    def plan(point: str, act: Callable[[], object]) -> None:
        planned = [act]

        def reach(name: str) -> None:
            if name == point and planned:
                planned.pop()()

        module = collections_module if point == "flip.pointed" else flip_module
        monkeypatch.setattr(module, "faultpoint", reach)

    return plan


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


def test_the_pointer_moves_to_a_generation_that_has_every_document(home: Home) -> None:
    home.put(*numbered("d", 200))
    writer = home.writer()
    moved = home.flip(writer)
    assert moved == home.now()
    assert moved.generation == writer.snapshot.manifest.id
    assert writer.snapshot.manifest.revision == moved.revision == 200
    assert home.found(writer) == 200


def test_an_empty_collection_may_be_pointed_somewhere(home: Home) -> None:
    writer = home.writer()
    assert home.flip(writer).generation == writer.snapshot.manifest.id


def test_a_move_is_in_the_release_history_with_its_reason(home: Home) -> None:
    home.put("a")
    first, second = home.create(), home.create()
    home.flip(home.writer(first))
    home.flip(home.writer(second))
    newest, oldest = home.catalog.collections.releases("default")
    assert (newest.previous, newest.generation, newest.epoch) == (first, second, 2)
    assert (oldest.previous, oldest.generation, oldest.epoch) == (None, first, 1)
    assert newest.reason == oldest.reason == WHY


def test_a_document_written_during_catch_up_is_in_the_generation_when_the_pointer_moves(
    home: Home, when: Callable[..., None]
) -> None:
    home.put("a", "b")
    when("flip.caught_up", lambda: home.put("late"))
    generation, complete = home.create(), []
    when("flip.pointed", lambda: complete.append(home.store.read(generation).revision))
    writer = home.writer(generation)
    home.flip(writer)
    assert complete == [3]
    assert home.found(writer) == 3


def test_a_document_deleted_during_catch_up_is_not_found_after_the_move(
    home: Home, when: Callable[..., None]
) -> None:
    home.put("a", "b")
    when("flip.caught_up", lambda: home.catalog.documents.delete(home.collection, "a"))
    writer = home.writer()
    home.flip(writer)
    assert writer.snapshot.manifest.revision == 3
    assert home.found(writer) == 1


@pytest.mark.parametrize(
    ("point", "waits"), [("flip.caught_up", 0), ("flip.pointed", 1), ("flip.committed", 0)]
)
def test_who_writes_waits_while_the_pointer_moves_and_not_before_or_after(
    home: Home, when: Callable[..., None], point: str, waits: int
) -> None:
    seen: list[bool] = []
    when(point, lambda: seen.append(home.is_locked()))
    home.put("a")
    home.flip(home.writer())
    assert seen == [bool(waits)]


def test_no_document_of_any_writer_comes_between_the_last_segment_and_the_move(
    home: Home, when: Callable[..., None]
) -> None:
    seen: list[tuple[int, int]] = []
    with writing_process(home) as by_process, writing_thread(home) as by_thread:
        for _ in range(3):
            generation, before = home.create(), home.now().revision
            when("flip.pointed", lambda at=generation: seen.append(seen_from_outside(home, at)))
            home.flip(home.writer(generation))
            wait_until(lambda at=before: home.now().revision >= at + 10)
    assert len(seen) == 3
    assert [indexed for indexed, _ in seen] == [held for _, held in seen]
    last = home.writer()
    home.flip(last)
    assert home.found(last) == by_process[0] + by_thread[0]


def seen_from_outside(home: Home, generation: str) -> tuple[int, int]:
    """Up to where a generation is complete, and how far the collection is."""
    with closing(open_catalog(home.url)) as other:
        held = other.collections.get("default").revision
    return home.store.read(generation).revision, held


@contextmanager
def writing_process(home: Home) -> Iterator[list[int]]:
    """Another process writes document after document; afterwards the list says how many."""
    count: list[int] = []
    command, pipe = [sys.executable, "-c", WRITING, home.url], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n"
            yield count
            count.append(int(process.communicate("")[0]))
        finally:
            process.kill()


@contextmanager
def writing_thread(home: Home) -> Iterator[list[int]]:
    """A thread writes document after document; afterwards the list says how many."""
    count, stopped = [0], threading.Event()

    def write() -> None:
        while not stopped.is_set():
            home.put(f"thread{count[0]}")
            count[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield count
    finally:
        stopped.set()
        thread.join()


@pytest.mark.parametrize("behind", [1, FEW, FEW + 1, 1500])
def test_who_writes_waits_for_no_document_to_be_encoded(
    home: Home, when: Callable[..., None], behind: int
) -> None:
    home.put(*numbered("d", 10))
    when("flip.caught_up", lambda: home.put(*numbered("late", behind)))
    writer = home.writer()
    moved = home.flip(writer)
    assert not any(waits for _, waits in home.sealed)
    assert writer.snapshot.manifest.revision == moved.revision == 10 + behind
    assert home.found(writer) == 10 + behind


@pytest.mark.parametrize(
    ("at_once", "inside", "rounds"),
    [
        (1, 1, 0),
        (FIRST_INSIDE, FIRST_INSIDE, 0),
        (FIRST_INSIDE + 1, FIRST_INSIDE + 1, 1),
        (MOST_INSIDE, MOST_INSIDE, 3),
    ],
)
def test_who_writes_without_a_pause_waits_for_a_few_documents_after_many_rounds(
    home: Home, monkeypatch: pytest.MonkeyPatch, at_once: int, inside: int, rounds: int
) -> None:
    reached: list[str] = []

    def write_on(point: str) -> None:
        if point == "flip.caught_up":
            reached.append(point)
            home.put(*(f"{len(reached)}-{number}" for number in range(at_once)))

    monkeypatch.setattr(flip_module, "faultpoint", write_on)
    writer = home.writer()
    moved = home.flip(writer)
    assert len(reached) == PATIENT_ROUNDS + rounds + 1
    assert [count for count, waits in home.sealed if waits] == [inside]
    assert writer.snapshot.manifest.revision == moved.revision


def test_more_documents_than_the_bound_are_never_encoded_while_who_writes_waits(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []

    def write_on(point: str) -> None:
        if point == "flip.caught_up" and len(reached) < 2 * PATIENT_ROUNDS:
            reached.append(point)
            home.put(*(f"{len(reached)}-{number}" for number in range(MOST_INSIDE + 1)))

    monkeypatch.setattr(flip_module, "faultpoint", write_on)
    writer = home.writer()
    moved = home.flip(writer)
    assert not any(waits for _, waits in home.sealed)
    assert writer.snapshot.manifest.revision == moved.revision


def test_nothing_is_moved_where_the_pointer_is_there_already(home: Home) -> None:
    home.put("a")
    generation = home.create()
    before = home.flip(home.writer(generation))
    home.put("b")
    again = home.writer(generation)
    after = home.flip(again, reason=Reason("ops", "again"))
    assert (after.generation, after.epoch) == (before.generation, before.epoch)
    assert len(home.catalog.collections.releases("default")) == 1
    assert home.found(again) == 2


def test_who_does_not_agree_when_nobody_else_can_move_the_pointer_keeps_it_where_it_is(
    home: Home,
) -> None:
    home.put("a")
    before = home.flip(home.writer())
    asked: list[Collection] = []

    def disagree(now: Collection) -> None:
        assert home.is_locked()
        asked.append(now)
        raise ZeroDivisionError

    with closing(home.writer()) as writer, pytest.raises(ZeroDivisionError):
        flip(home.catalog, writer, "default", reason=WHY, agree=disagree)
    assert [each.epoch for each in asked] == [before.epoch]
    assert home.now().epoch == before.epoch


def test_the_writer_is_closed_when_the_pointer_has_moved(home: Home) -> None:
    home.put("a")
    writer = home.writer()
    home.flip(writer)
    with pytest.raises(GenerationError, match="was closed"):
        writer.advance(1)
    home.writer(writer.snapshot.manifest.id)


def test_a_writer_that_fails_leaves_the_pointer_and_lets_others_write(home: Home) -> None:
    home.put("a")
    before = home.flip(home.writer())

    def fail(texts: Sequence[str]) -> Vectors:
        raise ZeroDivisionError

    home.put("late")
    with pytest.raises(ZeroDivisionError):
        home.flip(home.open(encoder=PassageEncoder(fail)))
    after = home.now()
    assert (after.generation, after.epoch) == (before.generation, before.epoch)
    assert len(home.catalog.collections.releases("default")) == 1
    assert not home.is_locked()


def test_a_collection_that_was_made_anew_meanwhile_is_not_pointed_to_the_old_documents(
    home: Home, when: Callable[..., None]
) -> None:
    def make_anew() -> None:
        home.catalog.collections.delete("default")
        home.catalog.collections.create("default")

    home.put("a")
    when("flip.caught_up", make_anew)
    with pytest.raises(CollectionNotFoundError):
        home.flip(home.writer())
    assert home.now().generation is None


@pytest.mark.parametrize(
    ("point", "moved"), [("flip.caught_up", 0), ("flip.pointed", 0), ("flip.committed", 1)]
)
def test_a_flip_that_was_killed_moved_the_pointer_or_did_not_and_can_be_made_again(
    home: Home, point: str, moved: int
) -> None:
    home.put("a", "b", "c")
    generation = home.create()
    assert flipping(home, generation, point) == -9
    assert home.now().generation == (generation if moved else None)
    assert flipping(home, generation, point) == 0
    assert (home.now().generation, home.now().epoch) == (generation, 1)
    assert home.store.read(generation).revision == home.now().revision == 3
    assert flaws_of(home.catalog) == []


def flipping(home: Home, generation: str, point: str) -> int:
    """Flip in a process that is killed at a point, the first time; its exit status."""
    fired = home.path / "fired"
    fired.mkdir(exist_ok=True)
    command = [sys.executable, "-c", FLIPPING, str(home.path), home.url, generation]
    environment = os.environ | {ARMED: f"{point}=kill", FIRED: str(fired)}
    return subprocess.run(command, env=environment, check=False).returncode
