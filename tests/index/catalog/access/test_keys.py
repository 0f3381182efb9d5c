import re
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from molt.artifact import AmbiguousIdError
from molt.index.catalog.access import keys
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.catalog import Catalog
from molt.index.errors import InvalidFieldError, KeyExistsError, KeyNotFoundError
from tests.damage import flaws_of


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


def test_a_key_ends_at_its_moment_and_stays_listed(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    secret = catalog.keys.create("guest", Role.READ, expires_at=soon)
    assert catalog.keys.verify(secret) is not None
    monkeypatch.setattr(keys, "datetime", Later)
    assert catalog.keys.verify(secret) is None
    (listed,) = catalog.keys.list()
    assert (listed.expires_at, listed.expired, listed.revoked_at) == (soon, True, None)


class Later(datetime):
    """Two hours from now."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(hours=2)


def test_a_key_that_would_have_ended_already_is_not_made(catalog: Catalog) -> None:
    with pytest.raises(InvalidFieldError, match="expires is in the past"):
        catalog.keys.create("guest", Role.READ, expires_at=datetime.now(UTC))
    assert catalog.keys.list() == ()


def test_a_key_knows_its_collections(catalog: Catalog) -> None:
    secret = catalog.keys.create("shop", Role.READ, reach=Reach.of(["shop", "eu-*"]))
    key = catalog.keys.verify(secret)
    assert key is not None
    assert key.reach == Reach(("shop", "eu-*"))


def test_when_a_key_was_last_used_is_kept_beside_it(catalog: Catalog) -> None:
    catalog.keys.create("idle", Role.READ)
    catalog.keys.create("busy", Role.READ)
    before = datetime.now(UTC)
    for _ in range(2):
        catalog.keys.note_use(2)
    idle, busy = catalog.keys.list()
    assert idle.used_at is None
    assert busy.used_at is not None
    assert before <= busy.used_at <= datetime.now(UTC)
    assert flaws_of(catalog) == []


@pytest.mark.parametrize("given", ["nightly-import", "nigh", "{prefix}", "{prefix:.9}"])
def test_a_key_is_revoked_by_name_or_by_how_it_alone_begins(catalog: Catalog, given: str) -> None:
    secret = catalog.keys.create("nightly-import", Role.READ)
    catalog.keys.create("daily", Role.READ)
    assert catalog.keys.revoke(given.format(prefix=secret[:11])) == "nightly-import"
    assert [key.name for key in catalog.keys.in_use().values()] == ["daily"]


def test_what_begins_several_keys_revokes_none_and_names_them(catalog: Catalog) -> None:
    for name in ("night-a", "night-b", "night"):
        catalog.keys.create(name, Role.READ)
    with pytest.raises(AmbiguousIdError, match="begin with 'nigh': night, night-a, night-b"):
        catalog.keys.revoke("nigh")
    assert len(catalog.keys.in_use()) == 3
    assert catalog.keys.revoke("night") == "night"


@pytest.mark.parametrize("given", ["molt", "molt_", "{prefix:.8}"])
def test_what_all_secrets_begin_with_means_no_key(catalog: Catalog, given: str) -> None:
    secret = catalog.keys.create("only", Role.READ)
    with pytest.raises(KeyNotFoundError):
        catalog.keys.revoke(given.format(prefix=secret))
    assert len(catalog.keys.in_use()) == 1


def test_a_key_whose_name_begins_like_its_own_secret_is_one_key(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "nightly-0123")
    catalog.keys.create("molt_nightly", Role.READ)
    assert catalog.keys.revoke("molt_night") == "molt_nightly"
