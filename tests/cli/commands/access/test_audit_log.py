from pathlib import Path

import pytest

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


@pytest.fixture(autouse=True)
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("USER", "ann")


def entries(molt: Molt, *options: str) -> list[tuple[str, str, str, str]]:
    found = molt("--json", "audit-log", "list", *options).value["entries"]
    return [(one["actor"], one["action"], one["target"], one["outcome"]) for one in found]


def test_what_was_done_and_what_failed_is_listed_newest_first(molt: Molt) -> None:
    molt("collections", "create", "shop")
    secret = molt("keys", "create", "--role", "read", "--name", "app").stdout.strip()
    molt("keys", "revoke", "nobody")
    molt("collections", "delete", "shop", "--yes")
    found = entries(molt)
    assert found[-1] == ("cli:ann", "molt collections create", "collection shop", "done") or (
        found[-1][1:] == ("molt collections create", "name shop", "done")
    )
    assert found[-2] == ("cli:ann", "molt keys create", "name app, role read", "done")
    assert found[-3] == ("cli:ann", "molt keys revoke", "name nobody", "failed")
    listed = molt("audit-log", "list").stdout
    assert "no key 'nobody' is in use" in listed
    assert secret not in listed


def test_looking_and_wrong_usage_are_not_written_down(molt: Molt) -> None:
    molt("collections", "create", "shop")
    before = entries(molt)
    molt("keys", "list")
    molt("collections", "list")
    molt("keys", "create", "--role", "root")
    molt("keys", "create", "--role", "read", "--expires", "soon")
    assert entries(molt) == before


def test_entries_are_filtered(molt: Molt) -> None:
    molt("keys", "create", "--role", "read", "--name", "app")
    molt("keys", "revoke", "nobody")
    assert [action for _, action, *_ in entries(molt, "--outcome", "failed")] == [
        "molt keys revoke"
    ]
    assert len(entries(molt, "--action", "molt keys create", "--actor", "cli:ann")) == 1
    assert entries(molt, "--actor", "cli:ben") == []
    assert entries(molt, "--until", "2001-01-01") == []
    assert len(entries(molt, "--since", "2001-01-01", "--limit", "1")) == 1


def test_a_command_that_finds_no_home_makes_none(molt: Molt, home: Path) -> None:
    assert molt("keys", "revoke", "nobody").status == 1
    assert not home.exists()


def test_the_name_that_was_made_up_for_a_key_is_written_down(molt: Molt) -> None:
    molt("keys", "create", "--role", "read")
    ((name, *_),) = [line.split("\t") for line in molt("keys", "list").stdout.splitlines()[1:]]
    assert [target for _, _, target, _ in entries(molt)] == [f"name {name}, role read"]


def test_what_was_pruned_is_named_and_a_look_is_not_written_down(molt: Molt, home: Path) -> None:
    molt("collections", "create", "shop")
    runs = [f"{number:016x}" for number in range(10)]
    for run in runs:
        (home / "runs" / run).mkdir(parents=True)
        (home / "runs" / run / "refused").touch()
    before = entries(molt)
    molt("prune")
    assert entries(molt) == before
    molt("prune", "--yes")
    new = entries(molt)[: -len(before)]
    assert {(action, outcome) for _, action, _, outcome in new} == {("molt prune", "done")}
    named = [one for _, _, target, _ in reversed(new) for one in target.split(", ")]
    assert named == [f"run {run}" for run in runs]


def test_a_release_that_is_named_is_written_down_and_a_list_of_them_is_not(molt: Molt) -> None:
    molt("collections", "create", "shop")
    molt("releases", "shop")
    molt("releases", "shop", "--name", "7=winter")
    assert entries(molt)[:-1] == [
        ("cli:ann", "molt releases", "collection shop, name 7=winter", "failed")
    ]


def test_an_import_is_written_down_where_it_makes_the_collection(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    file = tmp_path / "tents.jsonl"
    file.write_text('{"_id": "a", "text": "a tent"}\n')
    assert molt("import", "shop", str(file)).status == 0
    assert molt("import", "shop", str(file)).status == 0
    assert entries(molt) == [("cli:ann", "molt import", "collection shop", "done")]


def test_changes_of_documents_by_command_are_written_down(molt: Molt) -> None:
    molt("collections", "create", "shop")
    molt("documents", "count", "shop")
    molt("documents", "delete", "shop", "x", "--yes")
    assert [action for _, action, *_ in entries(molt)][:-1] == ["molt documents delete"]


def test_measuring_and_making_are_written_down_with_what_they_are_about(molt: Molt) -> None:
    molt("collections", "create", "shop")
    molt("evaluate", "shop", "--checkpoint", "0" * 16)
    molt("tune", "shop")
    molt("distil", "shop", "--static", "--teacher", "1" * 16)
    assert [entry[1:] for entry in entries(molt)][:-1] == [
        ("molt distil", f"collection shop, teacher {'1' * 16}", "failed"),
        ("molt tune", "collection shop", "failed"),
        ("molt evaluate", f"collection shop, checkpoint {'0' * 16}", "failed"),
    ]
