from pathlib import Path

import pytest

from tests.cli.conftest import Molt


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
