from contextlib import closing
from pathlib import Path

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.keys import Role
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
