import re
from datetime import UTC, datetime

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.keys import Role
from molt.index.errors import InvalidFieldError, KeyExistsError, KeyNotFoundError


def test_a_secret_verifies_as_its_key(catalog: Catalog) -> None:
    before = datetime.now(UTC)
    secret = catalog.keys.create("shop", Role.WRITE)
    key = catalog.keys.verify(secret)
    assert key is not None
    assert (key.name, key.role, key.revoked_at) == ("shop", Role.WRITE, None)
    assert before <= key.created_at <= datetime.now(UTC)


def test_a_secret_is_32_random_bytes_with_a_prefix(catalog: Catalog) -> None:
    secrets = {catalog.keys.create(f"key {number}", Role.READ) for number in range(5)}
    assert len(secrets) == 5
    assert all(re.fullmatch(r"molt_[\w-]{43}", secret) for secret in secrets)


def test_the_secret_itself_is_nowhere_in_the_database(catalog: Catalog) -> None:
    secret = catalog.keys.create("shop", Role.READ)
    with catalog.database.reading() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM keys").one())
    assert secret[:11] in kept
    assert secret[:12] not in kept


@pytest.mark.parametrize(
    "secret", ["", "molt_", "molt_wrong", "Bearer x", "molt_\ud800", "molt_ä", "molt_\0"]
)
def test_an_unknown_secret_verifies_as_nothing(catalog: Catalog, secret: str) -> None:
    catalog.keys.create("shop", Role.ADMIN)
    assert catalog.keys.verify(secret) is None


def test_a_revoked_key_is_refused_and_stays_listed(catalog: Catalog) -> None:
    secret = catalog.keys.create("shop", Role.READ)
    catalog.keys.revoke("shop")
    assert catalog.keys.verify(secret) is None
    (listed,) = catalog.keys.list()
    assert listed.prefix == secret[:11]
    assert listed.revoked_at is not None


def test_a_name_is_used_once_until_it_is_revoked(catalog: Catalog) -> None:
    catalog.keys.create("shop", Role.READ)
    with pytest.raises(KeyExistsError, match="'shop' is in use"):
        catalog.keys.create("shop", Role.ADMIN)
    catalog.keys.revoke("shop")
    secret = catalog.keys.create("shop", Role.ADMIN)
    assert catalog.keys.verify(secret) is not None
    assert [key.role for key in catalog.keys.list()] == [Role.READ, Role.ADMIN]


def test_what_is_not_in_use_cannot_be_revoked(catalog: Catalog) -> None:
    for name in ("shop", "\ud800", ""):
        with pytest.raises(KeyNotFoundError, match="in use"):
            catalog.keys.revoke(name)
    catalog.keys.create("shop", Role.READ)
    catalog.keys.revoke("shop")
    with pytest.raises(KeyNotFoundError):
        catalog.keys.revoke("shop")


def test_a_key_needs_a_name(catalog: Catalog) -> None:
    with pytest.raises(InvalidFieldError, match="name"):
        catalog.keys.create("", Role.READ)


def test_roles_are_ordered() -> None:
    assert Role.READ < Role.WRITE < Role.ADMIN
    assert Role.ADMIN > Role.WRITE > Role.READ
    assert Role.WRITE >= Role.WRITE >= Role.READ
    assert Role.READ <= Role.READ <= Role.ADMIN
    assert not Role.ADMIN <= Role.WRITE
    assert not Role.READ >= Role.WRITE
    assert sorted([Role.ADMIN, Role.READ, Role.WRITE]) == [Role.READ, Role.WRITE, Role.ADMIN]
