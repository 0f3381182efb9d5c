"""A restored home is the one that was backed up, whole; or nothing is there."""

from contextlib import closing
from pathlib import Path

import pytest

from molt.artifact import CorruptFileError, UnsupportedFormatError, write_manifest
from molt.artifact.faultpoint import FaultError
from molt.engine.backup import restoring
from molt.engine.backup.backup import Done
from molt.engine.backup.manifest import read_backup
from molt.engine.backup.repository import Repository
from molt.engine.backup.restoring import restore_home
from molt.engine.errors import BackupError
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from tests.damage import flip_a_bit
from tests.engine.backup.homes import answers, contents, damage, tree


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "restored"


def object_of(repository: Repository, done: Done, ending: str) -> Path:
    entry = next(entry for path, entry in done.backup.files.items() if path.endswith(ending))
    return repository.root / "objects" / entry.sha256[:2] / entry.sha256


def test_it_holds_the_same_and_answers_the_same(
    home: Path, repository: Repository, done: Done, target: Path
) -> None:
    restore_home(repository, done.backup, target)
    assert damage(target) == []
    assert tree(target) == set(done.backup.files)
    assert contents(target) == contents(home)
    assert contents(target, "other") == contents(home, "other")
    assert answers(target) == answers(home)


def test_keys_aliases_and_releases_come_with_it(
    home: Path, repository: Repository, done: Done, target: Path
) -> None:
    restore_home(repository, done.backup, target)
    with (
        closing(open_catalog(home_url(home))) as before,
        closing(open_catalog(home_url(target))) as after,
    ):
        assert after.keys.list() == before.keys.list() != ()
        assert after.aliases.get("default") == before.aliases.get("default")
        assert after.collections.list() == before.collections.list()
        assert after.collections.releases("shop") == before.collections.releases("shop")


def test_its_settings_are_those_of_the_former_home(
    repository: Repository, done: Done, target: Path
) -> None:
    restore_home(repository, done.backup, target)
    assert load_settings(home=target).port == 9999


def test_an_empty_directory_may_be_there(repository: Repository, done: Done, target: Path) -> None:
    target.mkdir()
    restore_home(repository, done.backup, target)
    assert damage(target) == []


def test_a_home_is_never_replaced(home: Path, repository: Repository, done: Done) -> None:
    before = tree(home)
    with pytest.raises(BackupError, match="is a home already"):
        restore_home(repository, done.backup, home)
    assert tree(home) == before


def test_a_directory_with_anything_in_it_is_left_alone(
    repository: Repository, done: Done, target: Path
) -> None:
    (target / "mine").mkdir(parents=True)
    with pytest.raises(BackupError, match="not empty"):
        restore_home(repository, done.backup, target)
    assert [path.name for path in target.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "ending", ["model.safetensors", "vectors.npy", "generation.json", "catalog.sqlite3"]
)
def test_a_damaged_object_is_named_and_nothing_is_left(
    repository: Repository, done: Done, target: Path, ending: str
) -> None:
    damaged = object_of(repository, done, ending)
    flip_a_bit(damaged)
    with pytest.raises(CorruptFileError, match=damaged.name) as raised:
        restore_home(repository, done.backup, target)
    assert ending in str(raised.value)
    assert not target.exists()


def test_a_missing_object_is_named_and_an_empty_directory_stays_empty(
    repository: Repository, done: Done, target: Path
) -> None:
    target.mkdir()
    missing = object_of(repository, done, "rows.npy")
    missing.unlink()
    with pytest.raises(CorruptFileError, match=missing.name):
        restore_home(repository, done.backup, target)
    assert list(target.iterdir()) == []


def test_what_fails_at_the_last_moment_leaves_nothing(
    repository: Repository, done: Done, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        if name == "restore.moved":
            raise FaultError

    monkeypatch.setattr(restoring, "faultpoint", fail)
    with pytest.raises(FaultError):
        restore_home(repository, done.backup, target)
    assert not target.exists()


@pytest.mark.parametrize(
    "line",
    [
        'catalog_url = "postgresql://molt@live/molt"',
        'catalog_url="""\npostgresql://molt@live/molt"""',
        '"catalog_url" = "postgresql://molt@live/molt"',
        '  jobs_url = "sqlite:////live/jobs"',
    ],
)
def test_a_restored_home_never_writes_to_the_databases_of_the_former_one(
    done: Done, target: Path, line: str
) -> None:
    target.mkdir()
    path = target / "molt.toml"
    path.write_text(f"port = 1\n{line}\n")
    restoring._name_no_database(path)
    settings = load_settings(home=target)
    assert (settings.catalog_url, settings.jobs_url) == (None, None)


def test_a_manifest_that_leads_out_of_the_home_is_refused(
    repository: Repository, done: Done
) -> None:
    path = repository.root / "backups" / f"{done.backup.id}.json"
    entry = {"size": 1, "sha256": "0" * 64}
    for name in ("../x", "/etc/passwd", "checkpoints/../../x", "worker.lock", "checkpoints//x"):
        body = {"format": 1, "id": done.backup.id, "created_at": "2026-01-01T00:00:00Z"}
        body |= {"version": "1", "collections": [], "files": {name: entry}}
        write_manifest(path, body)
        with pytest.raises(CorruptFileError, match="no home has"):
            read_backup(path)


def test_a_backup_of_a_newer_molt_is_refused(repository: Repository, done: Done) -> None:
    path = repository.root / "backups" / f"{done.backup.id}.json"
    write_manifest(path, {"format": 2})
    with pytest.raises(UnsupportedFormatError, match="upgrade Molt"):
        repository.read(done.backup.id)


def test_an_unknown_backup_and_another_directory_are_refused(
    repository: Repository, done: Done, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="no backup"):
        repository.read("20200101T000000-000000")
    with pytest.raises(BackupError, match="holds no backups"):
        Repository(tmp_path / "home").newest()
