from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import home_url, open_catalog
from tests.cli.conftest import Molt


def test_the_secret_that_is_printed_opens_the_door(molt: Molt, home: Path) -> None:
    secret = molt("keys", "create", "--role", "write", "--name", "loader").stdout.strip()
    with closing(open_catalog(home_url(home))) as catalog:
        key = catalog.keys.verify(secret)
    assert key is not None
    assert (key.name, key.role) == ("loader", Role.WRITE)


def test_only_the_secret_is_on_standard_output(molt: Molt) -> None:
    created = molt("keys", "create", "--role", "read", "--name", "app")
    assert created.stdout.startswith("molt_")
    assert len(created.stdout.split()) == 1
    assert "not shown again" in created.stderr


def test_a_key_without_a_name_gets_one_that_says_its_role(molt: Molt) -> None:
    assert molt("--json", "keys", "create", "--role", "admin").value["name"].startswith("admin-")


def test_a_list_of_keys_holds_no_secret(molt: Molt) -> None:
    secret = molt("keys", "create", "--role", "admin", "--name", "ops").stdout.strip()
    listed = molt("keys", "list")
    assert "ops\tadmin" in listed.stdout
    assert secret not in listed.stdout + molt("keys", "list", "--json").stdout


def test_a_revoked_key_opens_nothing(molt: Molt, home: Path) -> None:
    secret = molt("keys", "create", "--role", "read", "--name", "old").stdout.strip()
    assert molt("keys", "revoke", "old").status == 0
    with closing(open_catalog(home_url(home))) as catalog:
        assert catalog.keys.verify(secret) is None
    assert molt("--json", "keys", "list").value["keys"][0]["revoked_at"] is not None


def test_a_role_that_does_not_exist_is_wrong_usage(molt: Molt) -> None:
    assert molt("keys", "create", "--role", "root").status == 2


def test_revoking_an_unknown_key_fails_and_names_it(molt: Molt) -> None:
    molt("keys", "create", "--role", "read")
    revoked = molt("keys", "revoke", "nobody")
    assert revoked.status == 1
    assert "'nobody'" in revoked.stderr


@pytest.mark.parametrize(
    ("when", "days"), [("12h", 0.5), ("30d", 30), ("8W", 56), ("6m", 180), (" 1y ", 365)]
)
def test_a_key_ends_after_a_span(molt: Molt, when: str, days: float) -> None:
    created = molt("--json", "keys", "create", "--role", "read", "--expires", when).value
    left = datetime.fromisoformat(created["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=days) - timedelta(minutes=1) < left <= timedelta(days=days)


@pytest.mark.parametrize(
    ("when", "moment"),
    [
        ("2099-01-31", "2099-01-31T00:00:00+00:00"),
        ("2099-01-31T12:30", "2099-01-31T12:30:00+00:00"),
        ("2099-01-31T12:30+02:00", "2099-01-31T10:30:00+00:00"),
    ],
)
def test_a_key_ends_at_a_date(molt: Molt, when: str, moment: str) -> None:
    created = molt("--json", "keys", "create", "--role", "read", "--expires", when).value
    assert created["expires_at"] == moment
    assert f"{moment[:10]} {moment[11:16]}" in molt("keys", "list").stdout


@pytest.mark.parametrize("when", ["", "soon", "-1d", "99999y", "2099-13-01", "30"])
def test_what_is_no_time_is_wrong_usage_and_makes_no_key(molt: Molt, when: str) -> None:
    created = molt("keys", "create", "--role", "read", f"--expires={when}")
    assert created.status == 2
    assert "write 30d" in created.stderr
    assert molt("keys", "create", "--role", "read", "--name", "first").status == 0
    assert len(molt("--json", "keys", "list").value["keys"]) == 1


def test_a_time_that_is_over_is_refused(molt: Molt) -> None:
    created = molt("keys", "create", "--role", "read", "--expires", "2001-01-01")
    assert (created.status, "is in the past" in created.stderr) == (1, True)


def test_a_key_is_for_some_collections(molt: Molt) -> None:
    some = ("--collection", "shop", "--collection", "eu-*")
    created = molt("keys", "create", "--role", "write", "--name", "shop", *some)
    assert "for shop, eu-*" in created.stderr
    (listed,) = molt("--json", "keys", "list").value["keys"]
    assert listed["collections"] == ["shop", "eu-*"]
    assert (listed["expired"], listed["used_at"]) == (False, None)
    assert "shop, eu-*" in molt("keys", "list").stdout


def test_what_can_be_no_collection_makes_no_key(molt: Molt) -> None:
    created = molt("keys", "create", "--role", "read", "--collection", "My Shop")
    assert (created.status, "no collection's name" in created.stderr) == (1, True)
