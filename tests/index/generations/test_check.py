import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from molt.artifact import Home
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.errors import CatalogError
from molt.index.generations.check import HomeProblem, Severity, check_home
from molt.index.generations.generation import GenerationStore
from molt.index.generations.lost import open_home_catalog
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.lexical.analysis import DEFAULT_ANALYSIS
from molt.index.lexical.commit import LexicalCommit, LexicalStore
from molt.index.lexical.writer import LexicalWriter
from tests.damage import flip_a_bit, spoil

HomeParts = tuple[Path, Catalog, Collection, GenerationWriter, GenerationStore]


@pytest.fixture
def indexed(
    tmp_path: Path,
    segment_store: GenerationStore,
    segment_catalog: Catalog,
    segment_collection: Collection,
    segment_writer: Callable[..., GenerationWriter],
) -> str:
    """A sound home in `tmp_path`: two segments, an update, a deletion; returns the generation."""
    (tmp_path / "checkpoints" / ("c" * 16)).mkdir(parents=True)
    writer = segment_writer()
    upsert = segment_catalog.documents.upsert
    upsert(segment_collection, [Document(f"d{n}", f"text {n}") for n in range(8)])
    assert writer.advance(100)
    upsert(segment_collection, [Document("d1", "changed"), Document("d8", "new")])
    segment_catalog.documents.delete(segment_collection, "d2")
    assert writer.advance(100)
    (generation_id,) = segment_store.ids()
    segment_catalog.collections.point("default", generation=generation_id)
    return generation_id


def _check(home: Path, flaw: str | None = None) -> list[HomeProblem]:
    return check_home(Home(home), find_flaw=lambda _: flaw)


def _what(problems: list[HomeProblem]) -> str:
    return "\n".join(f"{problem.path}: {problem.what}" for problem in problems)


def test_a_sound_home_has_no_problems(tmp_path: Path, indexed: str) -> None:
    assert _check(tmp_path) == []


def _words(home: Path, catalog: Catalog, collection: Collection) -> LexicalCommit:
    """The lexical index of a collection, complete."""
    store = LexicalStore(home / "lexical")
    writer = LexicalWriter(
        store,
        catalog=catalog,
        collection=catalog.collections.get(collection.name),
        analysis=DEFAULT_ANALYSIS,
    )
    writer.advance(limit=100)
    writer.close()
    commit = store.read(collection.id)
    assert commit is not None
    return commit


def test_a_flipped_bit_of_a_lexical_index_is_named(
    tmp_path: Path, indexed: str, segment_catalog: Catalog, segment_collection: Collection
) -> None:
    commit = _words(tmp_path, segment_catalog, segment_collection)
    assert _check(tmp_path) == []
    folder = LexicalStore(tmp_path / "lexical").commit_path(commit)
    for name in sorted(commit.files):
        sound = (folder / name).read_bytes()
        flip_a_bit(folder / name)
        (problem,) = _check(tmp_path)
        assert (problem.path, problem.severity) == (folder / name, Severity.DAMAGE)
        assert "SHA-256 differs" in problem.what
        assert "makes the lexical index anew" in problem.what
        (folder / name).write_bytes(sound)


def test_a_flipped_bit_of_a_lexical_manifest_is_named(
    tmp_path: Path, indexed: str, segment_catalog: Catalog, segment_collection: Collection
) -> None:
    _words(tmp_path, segment_catalog, segment_collection)
    path = LexicalStore(tmp_path / "lexical").manifest_path(segment_collection.id)
    flip_a_bit(path)
    (problem,) = _check(tmp_path)
    assert problem.path == path


def test_a_lexical_index_of_no_collection_is_a_leftover(
    tmp_path: Path, indexed: str, segment_catalog: Catalog, segment_collection: Collection
) -> None:
    _words(tmp_path, segment_catalog, segment_collection)
    (tmp_path / "lexical" / "77").mkdir()
    (problem,) = _check(tmp_path)
    assert (problem.path.name, problem.severity) == ("77", Severity.LEFTOVER)


def test_a_new_home_has_no_problems(tmp_path: Path) -> None:
    assert _check(tmp_path) == []


def test_looking_at_a_new_home_makes_no_catalog(tmp_path: Path) -> None:
    _check(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_catalog_is_found(tmp_path: Path, indexed: str, segment_catalog: Catalog) -> None:
    segment_catalog.close()
    (tmp_path / "catalog.sqlite3").unlink()
    (problem,) = _check(tmp_path)
    assert "restore a backup" in problem.what
    assert not (tmp_path / "catalog.sqlite3").exists()


def test_an_emptied_catalog_is_the_damage_and_nothing_whole_is_advised_to_be_removed(
    tmp_path: Path, indexed: str, segment_catalog: Catalog
) -> None:
    segment_catalog.close()
    (tmp_path / "catalog.sqlite3").write_bytes(b"")
    (problem,) = _check(tmp_path)
    assert (problem.path.name, problem.severity) == ("catalog.sqlite3", Severity.DAMAGE)
    assert "restore a backup" in problem.what
    assert "remove" not in problem.what
    assert (tmp_path / "catalog.sqlite3").read_bytes() == b""


def test_no_catalog_is_made_in_the_place_of_a_lost_one(
    tmp_path: Path, indexed: str, segment_catalog: Catalog
) -> None:
    segment_catalog.close()
    path = tmp_path / "catalog.sqlite3"
    for lose in (path.unlink, path.touch):
        lose()
        with pytest.raises(CatalogError, match="restore a backup"):
            open_home_catalog(Home(tmp_path), home_url(tmp_path))
    path.unlink()
    rmtree(tmp_path / "generations")
    open_home_catalog(Home(tmp_path), home_url(tmp_path)).close()


def test_a_text_that_is_not_the_indexed_one_is_named_and_not_quoted(
    tmp_path: Path, indexed: str, segment_catalog: Catalog
) -> None:
    spoil(segment_catalog, "UPDATE documents SET text = 'secret' WHERE doc_id IN ('d5', 'd8')")
    spoil(segment_catalog, "DELETE FROM checksums WHERE kind = 'documents'")
    said = [problem for problem in _check(tmp_path) if "that was indexed" in problem.what]
    assert [problem.what.split()[1] for problem in said] == ["'d5'", "'d8'"]
    assert {problem.path.name for problem in said} == {"catalog.sqlite3"}
    assert "secret" not in _what(said)


def test_a_row_that_was_changed_on_the_disk_is_named_and_a_backup_advised(
    tmp_path: Path, indexed: str, segment_catalog: Catalog
) -> None:
    """The index has a hash of each text; of all else the catalog's own checksums tell."""
    spoil(segment_catalog, "UPDATE documents SET metadata = 'secret' WHERE doc_id = 'd5'")
    (problem,) = _check(tmp_path)
    assert (problem.path.name, problem.severity) == ("catalog.sqlite3", Severity.DAMAGE)
    assert "documents: 'd5' is not as it was written" in problem.what
    assert "restore a backup" in problem.what
    assert "secret" not in problem.what


def test_a_text_that_is_no_text_any_more_is_named(
    tmp_path: Path, indexed: str, segment_catalog: Catalog
) -> None:
    spoil(segment_catalog, "UPDATE documents SET text = CAST(x'ff' AS TEXT) WHERE doc_id = 'd5'")
    assert "'d5' is no text any more" in _what(_check(tmp_path))


def test_a_text_that_waits_for_the_index_is_not_compared(
    tmp_path: Path, indexed: str, segment_catalog: Catalog, segment_collection: Collection
) -> None:
    segment_catalog.documents.upsert(segment_collection, [Document("d5", "not indexed yet")])
    assert _check(tmp_path) == []


def test_a_document_in_quarantine_is_no_damage_and_named(
    tmp_path: Path,
    segment_store: GenerationStore,
    segment_catalog: Catalog,
    segment_collection: Collection,
    segment_writer: Callable[..., GenerationWriter],
) -> None:
    def refuse(texts: list[str]) -> object:
        if "BAD" in texts:
            raise ValueError("BAD")
        return np.eye(1, 16, dtype=np.float32).repeat(len(texts), 0)

    (tmp_path / "checkpoints" / ("c" * 16)).mkdir(parents=True)
    writer = segment_writer(encoder=PassageEncoder(refuse))
    batch = [Document("a", "good"), Document("b", "BAD")]
    segment_catalog.documents.upsert(segment_collection, batch)
    assert writer.advance(100)
    segment_catalog.collections.point("default", generation=segment_store.ids()[0])
    (problem,) = _check(tmp_path)
    assert problem.severity is Severity.NOTE
    assert "'b'" in problem.what
    assert "BAD" not in problem.what


def test_a_damaged_queue_is_found(tmp_path: Path, indexed: str) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(os.urandom(20_000))
    (problem,) = _check(tmp_path)
    assert (problem.path.name, problem.severity) == ("jobs.sqlite3", Severity.DAMAGE)
    assert problem.what.endswith(
        "move it away while no server runs: jobs that were asked for are lost, and nothing else"
    )


def test_whatever_a_damaged_row_leads_to_is_told_without_what_it_holds(
    tmp_path: Path, indexed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> list[str]:
        raise ValueError("cannot be understood: 'the text of a document'")

    monkeypatch.setattr("molt.index.generations.check.changed_rows", fail)
    (problem,) = _check(tmp_path)
    assert (problem.path.name, problem.severity) == ("catalog.sqlite3", Severity.DAMAGE)
    assert "is damaged (ValueError, which is unexpected): restore a backup" in problem.what


def test_generations_are_verified_beside_a_damaged_catalog(
    tmp_path: Path, indexed: str, segment_catalog: Catalog, segment_store: GenerationStore
) -> None:
    segment_catalog.close()
    (tmp_path / "catalog.sqlite3").write_bytes(b"")
    flip_a_bit(sorted(segment_store.segments_path(indexed).glob("*/rows.npy"))[0])
    assert "rows.npy" in _what(_check(tmp_path))


def test_documents_that_wait_for_the_index_are_no_problem(
    tmp_path: Path, indexed: str, segment_catalog: Catalog, segment_collection: Collection
) -> None:
    batch = [Document("d3", "changed later"), Document("d9", "not indexed yet")]
    segment_catalog.documents.upsert(segment_collection, batch)
    assert _check(tmp_path) == []


def test_every_checkpoint_is_judged_by_the_caller(tmp_path: Path, indexed: str) -> None:
    (problem,) = _check(tmp_path, flaw="model.safetensors is missing")
    assert problem.path == tmp_path / "checkpoints" / ("c" * 16)
    assert (problem.what, problem.severity) == ("model.safetensors is missing", Severity.DAMAGE)


def test_a_flipped_bit_in_any_file_of_a_segment_is_found(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    files = sorted(segment_store.segments_path(indexed).glob("*/*"))
    assert len(files) == 6
    for file in files:
        sound = file.read_bytes()
        file.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        assert str(file) in _what(_check(tmp_path))
        file.write_bytes(sound)
    assert _check(tmp_path) == []


def test_a_damaged_manifest_is_found(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    manifest = segment_store.path(indexed) / "generation.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"revision": ', b'"revision": 1'))
    (problem,) = _check(tmp_path)
    assert "SHA-256" in problem.what


def test_a_pointer_to_a_missing_generation_is_found(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    segment_store.remove(indexed)
    (problem,) = _check(tmp_path)
    assert problem.path.name == indexed
    assert "'default' points at it" in problem.what


def test_a_missing_checkpoint_is_found(tmp_path: Path, indexed: str) -> None:
    rmtree(tmp_path / "checkpoints")
    (problem,) = _check(tmp_path)
    assert "needs the checkpoint cccc" in problem.what


def test_a_live_document_without_a_row_is_found(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    manifest = segment_store.read(indexed)
    segment_store.publish(replace(manifest, segments=manifest.segments[:1]))
    problems = _check(tmp_path)
    assert "no row for 2 live documents, the first at ordinal 1" in _what(problems)
    assert [problem.severity for problem in problems] == [Severity.DAMAGE, Severity.LEFTOVER]


def test_a_document_that_would_answer_twice_is_found(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    manifest = segment_store.read(indexed)
    doubled = (*manifest.segments, manifest.segments[0])
    segment_store.publish(replace(manifest, segments=doubled))
    (problem,) = _check(tmp_path)
    assert "answers twice for 6 passages" in problem.what


def test_a_catalog_older_than_its_generation_is_found(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    manifest = segment_store.read(indexed)
    segment_store.publish(replace(manifest, revision=manifest.revision + 1))
    (problem,) = _check(tmp_path)
    assert "the catalog is at 11" in problem.what


def test_what_a_crash_left_behind_is_no_damage(
    tmp_path: Path, indexed: str, segment_store: GenerationStore
) -> None:
    leftovers = [
        tmp_path / "checkpoints" / ".half",
        segment_store.root / ".half",
        segment_store.segments_path(indexed) / ("e" * 32),
    ]
    for path in leftovers:
        path.mkdir()
    problems = _check(tmp_path)
    assert sorted(problem.path for problem in problems) == sorted(leftovers)
    assert {problem.severity for problem in problems} == {Severity.LEFTOVER}


def test_the_generation_of_a_deleted_collection_is_a_leftover(
    tmp_path: Path, indexed: str, segment_catalog: Catalog
) -> None:
    segment_catalog.collections.delete("default")
    (problem,) = _check(tmp_path)
    assert problem.severity is Severity.LEFTOVER
    assert "belongs to no collection" in problem.what
    assert "keep it and restore a backup" in problem.what


def test_a_catalog_that_cannot_be_opened_is_found(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite3").write_bytes(
        b"no database at all, but long enough to be one" * 99
    )
    (problem,) = _check(tmp_path)
    assert "not an SQLite database" in problem.what


def test_a_damaged_page_of_the_catalog_is_found(tmp_path: Path) -> None:
    catalog = open_catalog(home_url(tmp_path))
    collection = catalog.collections.create("default")
    catalog.documents.upsert(collection, [Document(f"d{n}", "text " * 99) for n in range(500)])
    catalog.close()
    path = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    content = bytearray(path.read_bytes())
    content[-4096 * 20 : -4096 * 19] = b"\xff" * 4096
    path.write_bytes(content)
    problems = _check(tmp_path)
    assert problems
    assert {problem.path for problem in problems} == {path}
