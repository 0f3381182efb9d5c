import json
from pathlib import Path

import pytest

from tests.cli.conftest import Molt, flip_last_byte


@pytest.fixture
def filled(molt: Molt, home: Path, tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A home with a checkpoint and three indexed documents."""
    docs = tmp_path / "docs.jsonl"
    docs.write_text("".join(json.dumps({"id": str(n), "text": f"text {n}"}) + "\n" for n in (1, 2)))
    assert molt("checkpoints", "add", str(tiny_checkpoint)).status == 0
    assert molt("import", "docs", str(docs)).status == 0
    return home


def test_a_home_is_backed_up_listed_and_restored(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository, target = str(tmp_path / "backups"), tmp_path / "restored"
    made = molt("--json", "backup", repository)
    assert made.status == 0, made.stderr
    done = made.lines[-1]
    assert (done["event"], done["problems"], done["collections"][0]["name"]) == ("done", [], "docs")
    assert done["copied_bytes"] == done["bytes"] > 0
    listed = molt("--json", "backups", repository, "--verify").value
    assert [each["backup"] for each in listed["backups"]] == [done["backup"]]
    restored = molt("--json", "restore", repository, "--home", str(target))
    assert restored.lines[-1]["collections"] == ["docs"]
    assert molt("--json", "check", "--home", str(target)).value == {"ok": True, "problems": []}


def test_the_newest_is_restored_unless_another_is_named(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository = str(tmp_path / "backups")
    first = molt("--json", "backup", repository).lines[-1]["backup"]
    second = molt("--json", "backup", repository).lines[-1]["backup"]
    for target, options, expected in (("a", (), second), ("b", ("--backup", first), first)):
        where = ("--home", str(tmp_path / target))
        restored = molt("--json", "restore", repository, *options, *where).lines[-1]
        assert restored["backup"] == expected


def test_a_collection_is_restored_beside_itself(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository = str(tmp_path / "backups")
    assert molt("backup", repository).status == 0
    assert molt("restore", repository, "--collection", "docs", "--as", "copy").status == 0
    listed = molt("--json", "collections", "list").value["collections"]
    assert [(each["name"], each["documents"]) for each in listed] == [("copy", 2), ("docs", 2)]
    assert molt("--json", "check").value["problems"] == []


def test_a_restore_over_a_home_is_refused_and_says_what_to_do(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository = str(tmp_path / "backups")
    molt("backup", repository)
    refused = molt("restore", repository)
    assert refused.status == 1
    assert "--as NEW" in refused.stderr


def test_a_name_without_its_collection_is_refused(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository = str(tmp_path / "backups")
    molt("backup", repository)
    refused = molt("restore", repository, "--as", "copy")
    assert (refused.status, "go together" in refused.stderr) == (1, True)


def test_a_home_is_not_restored_beside_a_catalog_elsewhere(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, target = str(tmp_path / "backups"), tmp_path / "restored"
    molt("backup", repository)
    monkeypatch.setenv("MOLT_CATALOG_URL", f"sqlite:///{tmp_path}/live.sqlite3")
    refused = molt("restore", repository, "--home", str(target))
    assert (refused.status, "MOLT_CATALOG_URL" in refused.stderr) == (1, True)
    assert not target.exists()


def test_a_backup_of_something_damaged_fails_and_names_it_and_is_there(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    (damaged,) = filled.glob("generations/*/segments/*/vectors.npy")
    flip_last_byte(damaged)
    repository = str(tmp_path / "backups")
    failed = molt("backup", repository)
    assert (failed.status, str(damaged) in failed.stderr) == (1, True)
    (listed,) = molt("--json", "backups", repository).value["backups"]
    assert len(listed["problems"]) == 1


def test_a_damaged_object_is_found_by_verifying_and_by_restoring(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository, target = tmp_path / "backups", tmp_path / "restored"
    molt("backup", str(repository))
    damaged = max(repository.glob("objects/??/*"), key=lambda path: path.stat().st_size)
    flip_last_byte(damaged)
    assert molt("backups", str(repository)).status == 0
    for arguments in (("backups", "--verify"), ("restore", "--home", str(target))):
        failed = molt(arguments[0], str(repository), *arguments[1:])
        assert (failed.status, damaged.name in failed.stderr) == (1, True)
    assert not target.exists()


def test_only_as_many_stay_as_are_to_be_kept(
    molt: Molt, filled: Path, tmp_path: Path, quiet: None
) -> None:
    repository = str(tmp_path / "backups")
    first = molt("--json", "backup", repository).lines[-1]["backup"]
    second = molt("--json", "backup", repository, "--keep", "1").lines[-1]
    assert second["pruned"] == [first]
    assert len(molt("--json", "backups", repository).value["backups"]) == 1
