"""A backup holds a home as it was, copies only what is new, and names what is damaged."""

import shutil
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from molt.artifact import CorruptFileError, lock_file
from molt.encoder import Prompts
from molt.engine.backup import backup as backup_module
from molt.engine.backup.backup import Done, back_up
from molt.engine.backup.repository import Repository
from molt.engine.backup.taking import Taken
from molt.engine.engine import Engine
from molt.engine.errors import BackupError
from molt.engine.settings import Settings, load_settings
from molt.index.catalog.catalog import open_catalog, sqlite_url
from molt.index.catalog.releases import Reason
from molt.index.errors import CollectionNotFoundError
from molt.index.generations.generation import GenerationManifest, GenerationStore
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.checkpoints import build_checkpoint
from tests.cross_encoders import accepted_cross_encoder, build_cross_encoder
from tests.damage import flip_a_bit
from tests.engine.backup.homes import index, reindex, tree, write

if TYPE_CHECKING:
    from molt.index.generations.writer import GenerationWriter


def objects(repository: Repository) -> set[str]:
    return {path.name for path in repository.root.glob("objects/??/*")}


def test_every_file_that_a_home_needs_is_in_it_and_nothing_else(home: Path, done: Done) -> None:
    needed = {"catalog.sqlite3", "molt.toml"}
    needed |= {path for path in tree(home) if path.startswith(("checkpoints", "generations"))}
    needed |= {f"reports/{'0' * 16}/report.json"}
    assert set(done.backup.files) == needed
    assert done.backup.problems == ()


def test_it_says_what_each_collection_was(engine: Engine, done: Done) -> None:
    shop = engine.catalog.collections.get("shop")
    said = done.backup.collection("shop")
    assert (said.revision, said.generation) == (shop.revision, shop.generation)
    assert (said.documents, said.indexed_revision) == (39, shop.revision)


def test_a_second_backup_of_the_same_home_copies_nothing(
    settings: Settings, repository: Repository, done: Done
) -> None:
    before = objects(repository)
    again = back_up(settings, repository)
    assert (again.copied, objects(repository)) == (0, before)
    assert again.backup.files == done.backup.files
    assert repository.ids() == [done.backup.id, again.backup.id]


def test_a_later_backup_copies_only_what_is_new(
    settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    before = objects(repository)
    write(engine, ["new"])
    index(engine)
    later = back_up(settings, repository)
    changed = {
        path: entry for path, entry in later.backup.files.items() if entry.sha256 not in before
    }
    new = {path.split("/")[0] for path in changed}
    assert new == {"catalog.sqlite3", "generations"}
    assert {path.split("/")[-1] for path in changed} <= {
        *("catalog.sqlite3", "generation.json", "rows.npy", "vectors.npy", "metadata.parquet")
    }
    assert later.copied == sum(entry.size for entry in changed.values())


def test_a_collection_alone_brings_none_of_the_others(
    settings: Settings, repository: Repository, engine: Engine
) -> None:
    done = back_up(settings, repository, names=["other"])
    (catalog_file,) = (
        repository.root / "objects" / entry.sha256[:2] / entry.sha256
        for path, entry in done.backup.files.items()
        if path == "catalog.sqlite3"
    )
    with closing(open_catalog(sqlite_url(catalog_file))) as copied:
        (only,) = copied.collections.list()
        assert only == engine.catalog.collections.get("other")
    (generation,) = {p.split("/")[1] for p in done.backup.files if p.startswith("generations")}
    assert generation == only.generation


def test_a_collection_that_does_not_exist_is_not_backed_up(
    settings: Settings, repository: Repository
) -> None:
    with pytest.raises(CollectionNotFoundError):
        back_up(settings, repository, names=["nothing"])
    assert not repository.root.exists()


@pytest.mark.parametrize(
    "pattern",
    ["checkpoints/*/model.safetensors", "generations/*/segments/*/vectors.npy"],
)
def test_a_damaged_file_is_named_and_left_out_and_the_rest_is_kept(
    home: Path, settings: Settings, repository: Repository, pattern: str
) -> None:
    damaged = sorted(home.glob(pattern))[0]
    flip_a_bit(damaged)
    done = back_up(settings, repository)
    (problem,) = done.backup.problems
    assert str(damaged) in problem
    assert tree(home) - set(done.backup.files) - {"catalog.sqlite3-shm"} >= {
        str(damaged.relative_to(home))
    }
    assert len(done.backup.files) > 10


def test_a_damaged_manifest_is_named(
    home: Path, settings: Settings, repository: Repository, engine: Engine
) -> None:
    active = str(engine.catalog.collections.get("shop").generation)
    flip_a_bit(home / "generations" / active / "generation.json")
    done = back_up(settings, repository)
    (problem,) = done.backup.problems
    assert active in problem
    assert done.backup.collection("other").checkpoint


def test_a_missing_active_generation_is_named(
    settings: Settings, repository: Repository, engine: Engine
) -> None:
    active = str(engine.catalog.collections.get("shop").generation)
    engine.generations.remove(active)
    (problem,) = back_up(settings, repository).backup.problems
    assert active in problem
    assert "missing" in problem


def test_what_an_earlier_backup_holds_is_whole_though_the_home_was_damaged_since(
    home: Path, settings: Settings, repository: Repository, done: Done
) -> None:
    flip_a_bit(sorted(home.glob("generations/*/segments/*/vectors.npy"))[0])
    again = back_up(settings, repository)
    assert again.backup.problems == ()
    assert again.backup.files == done.backup.files


def test_a_segment_that_is_merged_away_meanwhile_is_replaced_by_its_successor(
    settings: Settings,
    repository: Repository,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for n in range(3):
        write(engine, [f"late{n}"])
        index(engine)
    active = str(engine.catalog.collections.get("shop").generation)
    former = engine.generations.read(active)
    original = Taken._segments

    def merge_first(self: Taken, manifest: GenerationManifest) -> object:
        if manifest == former:
            merge_everything(engine)
        return original(self, manifest)

    monkeypatch.setattr(Taken, "_segments", merge_first)
    done = back_up(settings, repository)
    merged = engine.generations.read(active)
    assert done.backup.problems == ()
    segments = {path.split("/")[3] for path in done.backup.files if f"{active}/segments" in path}
    assert segments == {entry.id for entry in merged.segments} != {e.id for e in former.segments}


def merge_everything(engine: Engine) -> None:
    """All segments of the shop become one, and those that were are gone at once."""
    writing = engine.indexer._writers
    collection = engine.catalog.collections.get("shop")
    (opened,) = (each for key, each in writing._opened.items() if key == collection.id)
    writer = cast("GenerationWriter", opened.writer)
    writer._plan = lambda scopes: list(range(len(scopes)))
    assert writer.merge_once()
    engine.generations.sweep(str(collection.generation))


def test_a_pointer_that_moves_meanwhile_is_followed(
    settings: Settings,
    repository: Repository,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    original = backup_module._Backing._generations

    def move_after(self: object) -> Taken:
        taken = original(self)  # type: ignore[arg-type]
        if len(made) < 3:
            made.append(reindex(engine))
        return taken

    monkeypatch.setattr(backup_module._Backing, "_generations", move_after)
    done = back_up(settings, repository)
    assert done.backup.collection("shop").generation == made[-1]
    assert done.backup.problems == ()


def test_the_catalog_is_at_least_as_new_as_its_generations(
    settings: Settings,
    repository: Repository,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Taken.take_generation

    def write_after(self: Taken, generation_id: str) -> None:
        original(self, generation_id)
        write(engine, [f"w{threading.get_native_id()}-{len(self.files)}"])
        index(engine)

    monkeypatch.setattr(Taken, "take_generation", write_after)
    said = back_up(settings, repository).backup.collection("shop")
    assert 0 < said.indexed_revision <= said.revision


def test_two_backups_at_once_are_refused(settings: Settings, repository: Repository) -> None:
    with repository.writing(), pytest.raises(BackupError, match="another backup"):
        back_up(settings, Repository(repository.root))


def test_a_directory_with_something_else_in_it_is_no_repository(
    settings: Settings, home: Path
) -> None:
    before = tree(home)
    with pytest.raises(BackupError, match="no repository"):
        back_up(settings, Repository(home))
    assert tree(home) == before


def test_only_the_newest_stay_where_that_is_asked_for_and_they_are_whole(
    settings: Settings, repository: Repository, done: Done, engine: Engine
) -> None:
    write(engine, ["new"])
    index(engine)
    second = back_up(settings, repository)
    third = back_up(settings, repository, keep=2)
    assert third.pruned == (done.backup.id,)
    assert repository.ids() == [second.backup.id, third.backup.id]
    assert objects(repository) == {
        entry.sha256 for each in (second, third) for entry in each.backup.files.values()
    }


def test_nothing_is_removed_where_a_manifest_cannot_be_read(
    settings: Settings, repository: Repository, done: Done
) -> None:
    back_up(settings, repository)
    path = repository.root / "backups" / f"{repository.ids()[-1]}.json"
    flip_a_bit(path)
    before = objects(repository)
    with pytest.raises(CorruptFileError):
        back_up(settings, repository, keep=2)
    assert objects(repository) >= before
    assert done.backup.id in repository.ids()


def test_a_home_with_its_catalog_elsewhere_is_backed_up_whole(
    home: Path, tmp_path: Path, settings: Settings, repository: Repository, done: Done
) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite3"
    (home / "catalog.sqlite3").rename(elsewhere)
    moved = settings.model_copy(update={"catalog_url": sqlite_url(elsewhere)})
    assert back_up(moved, repository).backup.files == done.backup.files
    assert GenerationStore(home / "generations").ids()


def test_a_checkpoint_that_only_an_alias_stands_for_is_backed_up(
    home: Path, settings: Settings, repository: Repository, engine: Engine, tmp_path: Path
) -> None:
    made = [build_checkpoint(tmp_path / "made", seed=seed) for seed in (5, 6, 7)]
    for each in made:
        shutil.copytree(each.path, home / "checkpoints" / each.id)
    engine.catalog.aliases.set("ada", made[0].id)
    engine.catalog.aliases.set("small", "default")
    models = {"aliases": {"large": made[1].id, "shop-model": "shop"}}
    done = back_up(load_settings(home=home, models=models), repository)
    kept = {path.split("/")[1] for path in done.backup.files if path.startswith("checkpoints/")}
    assert {made[0].id, made[1].id} <= kept
    assert made[2].id not in kept
    assert done.backup.problems == ()


def test_checkpoints_that_have_a_name_are_in_it(
    settings: Settings, repository: Repository, engine: Engine
) -> None:
    named = build_checkpoint(settings.layout.checkpoints, prompts=Prompts(query="winter: ")).id
    engine.catalog.names.set(named, "winter")
    done = back_up(settings, repository)
    assert any(path.startswith(f"checkpoints/{named}/") for path in done.backup.files)


def test_cross_encoders_that_a_rollback_or_a_search_needs_are_in_it(
    settings: Settings, repository: Repository, engine: Engine
) -> None:
    checkpoints = settings.layout.checkpoints
    former, removed = (build_cross_encoder(checkpoints, weight=weight) for weight in (2.0, 4.0))
    newest, strange = (
        accepted_cross_encoder(checkpoints, collection=name, weight=weight)
        for name, weight in (("shop", 3.0), ("gone", 5.0))
    )
    collections = engine.catalog.collections
    for one in (removed, former):
        ranking = SearchRanking(rerank=Reranking(RerankKind.CROSS_ENCODER, model=one.id))
        collections.retune("shop", ranking, reason=Reason())
        reindex(engine)
    collections.retune("shop", SearchRanking(), reason=Reason())
    shutil.rmtree(removed.path)
    done = back_up(settings, repository)
    kept = {path.split("/")[1] for path in done.backup.files if path.startswith("checkpoints/")}
    assert {former.id, newest.id} <= kept
    assert strange.id not in kept
    assert done.backup.problems == ()


def test_it_holds_off_pruning_while_it_is_made(
    settings: Settings,
    repository: Repository,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied: list[bool] = []
    take_reports = Taken.take_reports

    def noted(self: Taken) -> None:
        try:
            lock_file(settings.layout.pruning_lock).release()
        except BlockingIOError:
            copied.append(True)
        take_reports(self)

    monkeypatch.setattr(Taken, "take_reports", noted)
    back_up(settings, repository)
    assert copied == [True]
