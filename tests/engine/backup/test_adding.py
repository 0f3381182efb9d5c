"""A collection of a backup joins a home that is being served, under another name, as it was."""

from contextlib import closing
from functools import partial
from pathlib import Path
from shutil import rmtree

import pytest

from molt.artifact import CorruptFileError
from molt.artifact.faultpoint import FaultError
from molt.engine.backup import adding
from molt.engine.backup.adding import restore_collection
from molt.engine.backup.backup import Done, back_up
from molt.engine.backup.repository import Repository
from molt.engine.engine import Engine
from molt.engine.errors import BackupError
from molt.engine.settings import Settings, load_settings
from molt.index.catalog.releases import Reason
from molt.index.errors import CollectionExistsError, InvalidNameError
from molt.index.generations.retention import collect
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.cross_encoders import build_cross_encoder
from tests.damage import flip_a_bit
from tests.engine.backup.homes import (
    QUERIES,
    answers,
    contents,
    damage,
    found,
    has_words,
    index,
    open_home,
    write,
)
from tests.waiting import wait_until


def test_it_holds_and_answers_what_the_collection_did(
    home: Path, settings: Settings, repository: Repository, done: Done
) -> None:
    before = answers(home)
    made = restore_collection(repository, done.backup, settings, name="shop", new_name="copy")
    assert contents(home, "copy") == contents(home, "shop")
    assert made.generation not in {None, done.backup.collection("shop").generation}
    assert answers(home, "copy") == answers(home, "shop") == before
    assert damage(home) == []


def test_no_text_is_encoded_again(
    home: Path, settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    made = restore_collection(repository, done.backup, settings, name="shop", new_name="copy")
    manifest = engine.generations.read(str(made.generation))
    assert manifest.revision == made.revision == done.backup.collection("shop").revision
    assert (manifest.collection, manifest.n_rows > 0) == (made.id, True)


def test_a_service_that_runs_serves_it_and_goes_on_with_it(
    settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    engine.start()
    wait_until(partial(has_words, engine, "shop"))
    meant = [found(engine, query, mode="dense") for query in QUERIES]
    expected = [found(engine, query) for query in QUERIES]
    restore_collection(repository, done.backup, settings, name="shop", new_name="copy")
    wait_until(partial(has_words, engine, "copy"))
    assert [found(engine, query, "copy", mode="dense") for query in QUERIES] == meant
    for query, before in zip(QUERIES, expected, strict=True):
        assert dict(found(engine, query, "copy")) == pytest.approx(dict(before), abs=0.01), (
            "but for BM25, where the words of shop count those that were deleted until they merge"
        )
    write(engine, ["later"], "copy")
    revision = engine.catalog.collections.get("copy").revision
    engine.changed("copy")
    assert engine.live_collections.wait_indexed("copy", revision=revision, timeout=60)
    assert "later" in dict(found(engine, "boot later", "copy"))
    assert "later" not in dict(found(engine, "boot later"))


def test_its_history_begins_with_the_restore(
    settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    made = restore_collection(repository, done.backup, settings, name="shop", new_name="copy")
    (release,) = engine.catalog.collections.releases("copy")
    assert (release.generation, made.epoch) == (made.generation, 1)
    assert done.backup.id in release.reason.text


def test_a_home_without_its_checkpoint_gets_it(
    tmp_path: Path, repository: Repository, done: Done, home: Path
) -> None:
    with closing(open_home(tmp_path / "another")) as another:
        another.catalog.collections.create("mine")
        restore_collection(
            repository, done.backup, another.settings, name="shop", new_name="theirs"
        )
    assert damage(tmp_path / "another") == []
    assert answers(tmp_path / "another", "theirs") == answers(home)


def test_what_re_ranks_its_searches_comes_with_it(
    tmp_path: Path, settings: Settings, repository: Repository, engine: Engine
) -> None:
    made = build_cross_encoder(settings.layout.checkpoints)
    ranking = SearchRanking(rerank=Reranking(RerankKind.CROSS_ENCODER, model=made.id))
    engine.catalog.collections.retune("shop", ranking, reason=Reason())
    done = back_up(settings, repository)
    assert done.backup.collection("shop").cross_encoder == made.id
    with closing(open_home(tmp_path / "another")) as another:
        restored = restore_collection(
            repository, done.backup, another.settings, name="shop", new_name="theirs"
        )
        assert another.checkpoints.open(made.id).id == made.id
        assert another.catalog.collections.get(restored.name).ranking == ranking


def test_a_collection_that_was_never_indexed_is_indexed_where_it_comes_to(
    settings: Settings, repository: Repository, engine: Engine
) -> None:
    engine.catalog.collections.create("fresh")
    write(engine, ["f1"], "fresh")
    done = back_up(settings, repository)
    made = restore_collection(repository, done.backup, settings, name="fresh", new_name="copy")
    assert made.generation is None
    index(engine)
    assert [doc_id for doc_id, _ in found(engine, "boot", "copy")] == ["f1"]


def test_a_taken_name_an_impossible_one_and_an_unknown_collection_are_refused(
    settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    for name, new_name, error in (
        ("shop", "other", CollectionExistsError),
        ("shop", "No Name", InvalidNameError),
        ("nothing", "copy", BackupError),
    ):
        with pytest.raises(error):
            restore_collection(repository, done.backup, settings, name=name, new_name=new_name)
    assert [each.name for each in engine.catalog.collections.list()] == ["other", "shop"]
    assert not list(engine.generations.root.glob(".*"))


def test_a_damaged_object_is_named_and_nothing_is_left(
    settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    active = done.backup.collection("shop").generation
    before = engine.generations.ids()
    entry = next(
        entry
        for path, entry in done.backup.files.items()
        if f"{active}/" in path and path.endswith("vectors.npy")
    )
    flip_a_bit(repository.root / "objects" / entry.sha256[:2] / entry.sha256)
    with pytest.raises(CorruptFileError, match=entry.sha256):
        restore_collection(repository, done.backup, settings, name="shop", new_name="copy")
    assert [each.name for each in engine.catalog.collections.list()] == ["other", "shop"]
    assert engine.generations.ids() == before
    assert not list(engine.generations.root.glob(".*"))


def test_a_generation_that_no_pointer_names_yet_is_not_collected_and_goes_where_it_fails(
    settings: Settings,
    repository: Repository,
    done: Done,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = engine.generations.ids()
    during: list[list[str]] = []

    def look_and_fail(name: str) -> None:
        collect(engine.catalog, engine.generations, retained=2)
        during.append(engine.generations.ids())
        raise FaultError

    monkeypatch.setattr(adding, "faultpoint", look_and_fail)
    with pytest.raises(FaultError):
        restore_collection(repository, done.backup, settings, name="shop", new_name="copy")
    assert len(during[0]) == len(before) + 1
    assert engine.generations.ids() == before
    assert [each.name for each in engine.catalog.collections.list()] == ["other", "shop"]


def test_a_home_that_lost_its_generations_can_still_take_one(
    home: Path, repository: Repository, done: Done
) -> None:
    rmtree(home / "generations")
    settings = load_settings(home=home)
    restore_collection(repository, done.backup, settings, name="other", new_name="copy")
    assert len(answers(home, "copy")[0]) == 5
