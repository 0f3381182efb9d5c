"""The writer: the index follows the catalog, survives every crash, and vouches for its files."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.artifact import CorruptFileError, UnsupportedFormatError
from molt.artifact.faultpoint import ARMED, FIRED
from molt.artifact.manifest import read_manifest, write_manifest
from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import LexicalBusyError, LexicalError
from molt.index.lexical import writer as writer_module
from molt.index.lexical.analysis import Analysis
from molt.index.lexical.commit import LEXICAL_FORMAT
from molt.index.lexical.lexical_index import open_lexical_index
from molt.index.lexical.writer import LexicalWriter
from tests.index.lexical.words import WordHome, worded
from tests.paths import ROOT


def all_words(home: WordHome) -> dict[str, str]:
    """Every document by the text that finds it, which is its own alone."""
    index = home.open()
    documents = home.catalog.documents.page(home.collection, limit=1_000)
    return {
        one.document.id: one.document.text
        for one in documents
        if one.document.id in home.found(index, one.document.text)
    }


def test_what_was_written_is_found_after_it_was_committed(word_home: WordHome) -> None:
    writer = word_home.writer()
    assert not writer.advance(limit=10)
    word_home.put(worded("a", "apple"), worded("b", "banana"))
    assert writer.advance(limit=10)
    assert all_words(word_home) == {"a": "apple", "b": "banana"}
    assert writer.revision == word_home.open().commit.revision == 2
    assert not writer.advance(limit=10)


def test_between_two_parts_of_much_that_changed_it_pauses_for_what_each_took(
    word_home: WordHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_COMMIT_SECONDS", 60.0)
    writer, pauses, clock = word_home.writer(), list[float](), SimpleNamespace(now=100.0)
    monkeypatch.setattr(writer_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    index_some = LexicalWriter._index_some

    def slowly(self: LexicalWriter, delta: Liveness, limit: int) -> None:
        index_some(self, delta, limit)
        clock.now += 7.0

    monkeypatch.setattr(LexicalWriter, "_index_some", slowly)
    word_home.put(*(worded(f"d{number}", "apple") for number in range(25)))
    assert writer.advance(limit=10, pause=pauses.append)
    assert pauses == [7.0, 7.0], "none after the last part, for which somebody may wait"


def test_what_is_deleted_while_it_pauses_is_gone_from_what_it_commits(
    word_home: WordHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_COMMIT_SECONDS", 60.0)

    def meanwhile(_: float) -> None:
        word_home.delete("a")
        word_home.put(worded("d", "date"))

    writer = word_home.writer()
    word_home.put(worded("a", "apple"), worded("b", "banana"), worded("c", "cherry"))
    assert writer.advance(limit=2, pause=meanwhile)
    assert writer.revision == 5
    assert word_home.open().n_rows == 3
    assert all_words(word_home) == {"b": "banana", "c": "cherry", "d": "date"}


def test_a_changed_document_is_found_by_its_new_text_alone(word_home: WordHome) -> None:
    writer = word_home.writer()
    word_home.put(worded("a", "apple"))
    writer.advance(limit=10)
    word_home.put(worded("a", "apricot"))
    writer.advance(limit=10)
    assert word_home.found(word_home.open(), "apple") == []
    assert word_home.found(word_home.open(), "apricot") == ["a"]


def test_a_deleted_document_has_no_row_any_more(word_home: WordHome) -> None:
    writer = word_home.writer()
    word_home.put(worded("a", "apple"), worded("b", "apple"))
    writer.advance(limit=10)
    word_home.delete("a")
    assert writer.advance(limit=10)
    assert word_home.found(word_home.open(), "apple") == ["b"]
    assert writer.revision == word_home.collection.revision


def test_a_document_that_was_deleted_before_it_was_indexed_never_is(word_home: WordHome) -> None:
    word_home.put(worded("a", "apple"), worded("b", "apple"))
    word_home.delete("a")
    assert word_home.found(word_home.index(), "apple") == ["b"]


def test_what_is_open_stands_still_while_it_is_written(word_home: WordHome) -> None:
    writer = word_home.writer()
    word_home.put(worded("a", "apple"))
    writer.advance(limit=10)
    before = word_home.open()
    before.warm()
    for number in range(20):
        word_home.put(worded("a", f"banana {number}"))
        writer.advance(limit=10)
    writer.close()
    assert word_home.found(before, "apple") == ["a"]


def test_it_goes_on_from_the_newest_commit(word_home: WordHome) -> None:
    word_home.index(worded("a", "apple"))
    word_home.put(worded("b", "banana"))
    writer = word_home.writer()
    assert (writer.rebuilds, writer.revision) == (None, 1)
    writer.advance(limit=10)
    assert all_words(word_home) == {"a": "apple", "b": "banana"}


def test_consecutive_commits_share_their_files(word_home: WordHome) -> None:
    first = word_home.index(worded("a", "apple")).commit
    second = word_home.index(worded("b", "banana")).commit
    shared = {name for name in first.files if name != "meta.json"}
    assert shared < second.files.keys()
    assert [second.files[name] == first.files[name] for name in shared] == [True] * len(shared)


def test_nothing_but_the_newest_commit_is_left_when_it_is_closed(word_home: WordHome) -> None:
    writer = word_home.writer()
    for number in range(3):
        word_home.put(worded("a", f"text {number}"))
        writer.advance(limit=10)
    writer.close()
    assert len(list((word_home.folder / "commits").iterdir())) == 1
    assert word_home.strays() == []


def test_a_former_commit_stays_for_a_while(
    word_home: WordHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = word_home.writer()
    for number in range(3):
        word_home.put(worded("a", f"text {number}"))
        writer.advance(limit=10)
    writer.tidy()
    assert len(list((word_home.folder / "commits").iterdir())) == 3
    monkeypatch.setattr(writer_module, "RETIRED_AFTER", 0.0)
    writer.tidy()
    assert len(list((word_home.folder / "commits").iterdir())) == 1


def test_one_writes_at_a_time(word_home: WordHome) -> None:
    first = word_home.writer()
    with pytest.raises(LexicalBusyError, match="try again"):
        word_home.writer()
    first.close()
    word_home.writer().close()


def test_nothing_is_written_once_it_is_closed(word_home: WordHome) -> None:
    writer = word_home.writer()
    writer.close()
    writer.close()
    with pytest.raises(LexicalError, match="was closed"):
        writer.advance(limit=10)
    with pytest.raises(LexicalError, match="was closed"):
        writer.tidy()


def test_small_commits_are_merged_into_few_files(word_home: WordHome) -> None:
    writer = word_home.writer()
    for number in range(40):
        word_home.put(worded(f"d{number}", f"word{number}x"))
        writer.advance(limit=10)
    writer.tidy()
    assert len(word_home.open().commit.files) < 20 * 6
    assert len(all_words(word_home)) == 40


def test_many_documents_are_indexed_some_at_a_time(word_home: WordHome) -> None:
    word_home.put(*(worded(f"d{number}", f"word{number}x") for number in range(30)))
    writer = word_home.writer()
    while writer.advance(limit=7):
        continue
    assert len(all_words(word_home)) == 30
    assert writer.revision == 30


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # its other links stay sound
    path.write_bytes(content)


def test_every_flipped_byte_is_found_and_the_index_is_made_anew(word_home: WordHome) -> None:
    commit = word_home.index(worded("a", "apple"), worded("b", "banana")).commit
    folder = word_home.store.commit_path(commit)
    for name in commit.files:
        sound = (folder / name).read_bytes()
        damaged(folder / name)
        with pytest.raises(CorruptFileError, match="SHA-256 differs"):
            word_home.open()
        assert [path for path, _ in word_home.store.flaws(commit.collection)] == [folder / name]
        (folder / name).write_bytes(sound)
    damaged(folder / next(iter(commit.files)))
    writer = word_home.writer()
    assert "SHA-256 differs" in str(writer.rebuilds)
    assert writer.revision == 0
    while writer.advance(limit=1):
        continue
    assert writer.rebuilds is None
    assert all_words(word_home) == {"a": "apple", "b": "banana"}


def test_a_damaged_manifest_is_found_and_the_index_is_made_anew(word_home: WordHome) -> None:
    commit = word_home.index(worded("a", "apple")).commit
    damaged(word_home.store.manifest_path(commit.collection))
    assert len(word_home.store.flaws(commit.collection)) == 1
    writer = word_home.writer()
    assert writer.rebuilds is not None
    writer.advance(limit=10)
    assert all_words(word_home) == {"a": "apple"}


def test_a_missing_file_is_found(word_home: WordHome) -> None:
    commit = word_home.index(worded("a", "apple")).commit
    shutil.rmtree(word_home.store.commit_path(commit))
    with pytest.raises(CorruptFileError, match="is missing"):
        word_home.open()
    word_home.index()
    assert all_words(word_home) == {"a": "apple"}


def test_what_was_compared_once_is_not_read_again(word_home: WordHome) -> None:
    store = word_home.store
    commit = word_home.index(worded("a", "apple")).commit
    open_lexical_index(store, commit)
    damaged(store.commit_path(commit) / min(commit.files))
    open_lexical_index(store, commit)
    store.distrust(commit)
    assert store.is_damaged(commit)
    with pytest.raises(CorruptFileError):
        open_lexical_index(store, commit)


def test_merging_does_not_vouch_for_what_was_damaged(word_home: WordHome) -> None:
    writer = word_home.writer()
    word_home.put(worded("d0", "apple"))
    writer.advance(limit=10)
    commit = word_home.open().commit
    (norms,) = [name for name in commit.files if name.endswith(".fieldnorm")]
    with (word_home.store.commit_path(commit) / norms).open("r+b") as file:
        file.write(b"\x07")  # tantivy reads it as it is: another length of the text

    def write_until_it_is_merged_away() -> None:
        for number in range(1, 100):
            word_home.put(worded(f"d{number}", f"word{number}x"))
            writer.advance(limit=10)

    with pytest.raises(CorruptFileError, match="SHA-256 differs"):
        write_until_it_is_merged_away()
    writer.close()
    assert word_home.writer().rebuilds is not None


def test_an_index_of_a_newer_version_is_refused_and_stays(word_home: WordHome) -> None:
    commit = word_home.index(worded("a", "apple")).commit
    path = word_home.store.manifest_path(commit.collection)
    body = read_manifest(path, supported=LEXICAL_FORMAT)
    write_manifest(path, body | {"format": LEXICAL_FORMAT + 1})
    before = path.read_bytes()
    with pytest.raises(UnsupportedFormatError, match="upgrade Molt"):
        word_home.writer()
    assert path.read_bytes() == before


def test_an_index_beyond_the_catalog_is_made_anew(word_home: WordHome, tmp_path: Path) -> None:
    word_home.index(worded("a", "apple"), worded("b", "banana"))
    ahead = word_home.folder
    kept = tmp_path / "kept"
    shutil.copytree(ahead, kept)
    word_home.catalog.collections.delete("default")
    made = word_home.catalog.collections.create("default")
    word_home.put(worded("c", "cherry"))
    shutil.copytree(kept, word_home.folder)
    path = word_home.store.manifest_path(made.id)
    body = read_manifest(path, supported=LEXICAL_FORMAT)
    write_manifest(path, body | {"collection": made.id})
    writer = word_home.writer()
    assert writer.rebuilds == "the catalog was put back to an earlier state"
    writer.advance(limit=10)
    assert all_words(word_home) == {"c": "cherry"}


def test_another_analysis_takes_over_once_it_has_come_as_far(word_home: WordHome) -> None:
    index = word_home.index(*(worded(f"d{n}", f"running {n}") for n in range(20)))
    writer = word_home.writer(Analysis(language=None))
    assert writer.is_behind_itself
    assert writer.revision == index.commit.revision
    while writer.is_behind_itself:
        assert word_home.open().commit == index.commit
        writer.advance(limit=100)
    assert word_home.open().commit.analysis == Analysis(language=None)
    assert word_home.found(word_home.open(), "run") == []
    assert len(word_home.found(word_home.open(), "running")) == 20


_KILLED = """
import sys
from pathlib import Path
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.lexical.analysis import DEFAULT_ANALYSIS
from molt.index.lexical.commit import LexicalStore
from molt.index.lexical.writer import LexicalWriter

root = Path(sys.argv[1])
catalog = open_catalog(home_url(root))
writer = LexicalWriter(
    LexicalStore(root / "lexical"),
    catalog=catalog,
    collection=catalog.collections.get("default"),
    analysis=DEFAULT_ANALYSIS,
)
writer.advance(limit=10)
writer.close()
"""


@pytest.mark.parametrize("point", ["lexical.written", "lexical.committed", "lexical.published"])
def test_a_kill_leaves_the_commit_before_or_after(
    word_home: WordHome, tmp_path: Path, point: str
) -> None:
    word_home.index(worded("a", "apple"), worded("b", "banana"))
    word_home.put(worded("a", "apricot"), worded("c", "cherry"))
    word_home.delete("b")
    fired = tmp_path / "fired"
    fired.mkdir()
    environment = os.environ | {ARMED: f"{point}=kill", FIRED: str(fired)}
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(word_home.root)],
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == -9
    assert (fired / point).exists()
    before = word_home.open()
    assert before.commit.revision == (5 if point == "lexical.published" else 2)
    writer = word_home.writer()
    assert writer.rebuilds is None
    writer.advance(limit=10)
    assert all_words(word_home) == {"a": "apricot", "c": "cherry"}
    assert word_home.found(word_home.open(), "banana apple") == []
    writer.close()
    assert word_home.strays() == []


def test_an_index_is_removed_whole(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "apple"))
    index.warm()
    store = word_home.store
    assert store.collections() == [word_home.collection.id]
    store.remove(word_home.collection.id)
    assert store.collections() == []
    assert word_home.found(index, "apple") == ["a"]


def test_where_no_lock_can_be_made_it_is_searched_all_the_same(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "apple"))
    (word_home.store.commit_path(index.commit) / ".tantivy-meta.lock").mkdir()
    assert word_home.found(index, "apple") == ["a"]


def write(home: WordHome, expected: dict[str, str], doc_id: str, *text: str) -> None:
    """Give a document this text, or delete it where there is none, in the catalog and here."""
    if text:
        home.put(worded(doc_id, *text))
        expected[doc_id] = text[0]
    elif expected.pop(doc_id, None) is not None:
        home.delete(doc_id)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 7), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 7)),
        st.tuples(st.just("advance"), st.integers(1, 4)),
        st.tuples(st.just("tidy")),
        st.tuples(st.just("reopen")),
    ),
    max_size=40,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(operations=OPERATIONS)
def test_after_any_writes_exactly_what_the_catalog_holds_is_found(
    word_home: WordHome, operations: list[tuple]
) -> None:
    word_home.put(*(worded(f"d{number}", "nothing") for number in range(8)))
    expected = {f"d{number}": "nothing" for number in range(8)}
    writer = word_home.writer()
    for kind, *rest in operations:
        if kind in {"put", "delete"}:
            write(word_home, expected, f"d{rest[0]}", *(f"word{one}x" for one in rest[1:]))
        elif kind == "reopen":
            writer.close()
            writer = word_home.writer()
        else:
            getattr(writer, kind)(**({"limit": rest[0]} if rest else {}))
    while writer.advance(limit=3):
        continue
    index = word_home.open()
    for text in ("nothing", *(f"word{number}x" for number in range(6))):
        kept = {doc_id for doc_id, said in expected.items() if said == text}
        assert set(word_home.found(index, text)) == kept
    writer.close()


def test_readers_and_a_writer_do_not_disturb_each_other(word_home: WordHome) -> None:
    writer = word_home.writer()
    word_home.put(worded("a", "apple"))
    writer.advance(limit=10)
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        store = word_home.store
        while not done.is_set():
            commit = store.read(1)
            assert commit is not None
            index = open_lexical_index(store, commit)
            found = index.search(index.plan("apple"), k=5).total
            if found != 1:
                wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        word_home.put(worded(f"d{number}", f"word{number}x"))
        writer.advance(limit=10)
    done.set()
    reader.join()
    assert wrong == []
