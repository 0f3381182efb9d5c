import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from molt.app.application import NOUNS
from molt.app.http.admission import Admission, Bulkhead
from molt.app.http.auth import NOTED_SECONDS, Access, Guard, access_of
from molt.app.http.failures import ForbiddenError, InvalidKeyError
from molt.app.http.route import Route
from molt.index.catalog.access.keys import Key, Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.catalog import Catalog, open_catalog
from tests.app.serving import service_of, serving
from tests.paths import DOCS

ROUTES = [route for noun in NOUNS for route in noun.router.routes]
ROLES = (DOCS / "roles.md").read_text()
MATRIX = [
    (method, path, Access(access))
    for method, path, access in re.findall(r"^\| `(\w+) (/.*)` \| (\w+) \|$", ROLES, re.MULTILINE)
]
ORDER = {Access.READ: 0, Access.WRITE: 1, Access.ADMIN: 2}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    yield catalog
    catalog.close()


@pytest.fixture
def admission() -> Iterator[Admission]:
    admission = Admission(Bulkhead.KEYS, max_pending=8, threads=1)
    yield admission
    admission.close()


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(tmp_path_factory.mktemp("keyed")) as client:
        keys = service_of(client).engine.catalog.keys
        client.secrets = {role: keys.create(role.value, role) for role in Role}  # type: ignore[attr-defined]
        yield client


def admit(guard: Guard, access: Access, **headers: str) -> None:
    asyncio.run(guard.admit(Headers(headers), access))


def test_without_any_key_everything_that_declares_a_role_is_open(
    catalog: Catalog, admission: Admission
) -> None:
    guard = Guard(catalog.keys, admission=admission, reachable=False)
    for access in (Access.PUBLIC, Access.READ, Access.WRITE, Access.ADMIN):
        admit(guard, access)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "10.0.0.1:8080", "x" * 999])
def test_without_any_key_a_name_that_is_not_this_machine_is_refused(
    catalog: Catalog, admission: Admission, host: str
) -> None:
    guard = Guard(catalog.keys, admission=admission, reachable=False)
    admit(guard, Access.PUBLIC, host=host)
    with pytest.raises(ForbiddenError, match="only this machine is served"):
        admit(guard, Access.READ, host=host)
    secret = catalog.keys.create("reader", Role.READ)
    locked = Guard(catalog.keys, admission=admission, reachable=False)
    admit(locked, Access.READ, host=host, authorization=f"Bearer {secret}")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"]
)
def test_without_any_key_every_name_of_this_machine_is_served(
    catalog: Catalog, admission: Admission, host: str
) -> None:
    admit(Guard(catalog.keys, admission=admission, reachable=False), Access.ADMIN, host=host)


def test_a_route_without_a_role_is_closed_to_everybody(
    catalog: Catalog, admission: Admission
) -> None:
    guard = Guard(catalog.keys, admission=admission, reachable=False)
    secret = catalog.keys.create("admin", Role.ADMIN)
    with pytest.raises(ForbiddenError):
        admit(guard, access_of(lambda: None), authorization=f"Bearer {secret}")


def test_a_reachable_server_asks_for_a_key_even_where_there_is_none(
    catalog: Catalog, admission: Admission
) -> None:
    guard = Guard(catalog.keys, admission=admission, reachable=True)
    with pytest.raises(InvalidKeyError):
        admit(guard, Access.READ)


def test_the_first_key_closes_an_open_server_within_two_seconds(
    catalog: Catalog, admission: Admission
) -> None:
    clock = Clock()
    guard = Guard(catalog.keys, admission=admission, reachable=False, clock=clock)
    admit(guard, Access.READ)
    catalog.keys.create("admin", Role.ADMIN)
    clock.now += 2
    with pytest.raises(InvalidKeyError):
        admit(guard, Access.READ)


def test_a_revoked_key_ends_within_two_seconds_and_opens_nothing(
    catalog: Catalog, admission: Admission
) -> None:
    clock = Clock()
    guard = Guard(catalog.keys, admission=admission, reachable=False, clock=clock)
    headers = {"api-key": catalog.keys.create("reader", Role.READ)}
    asyncio.run(guard.admit(Headers(headers), Access.READ))
    catalog.keys.revoke("reader")
    asyncio.run(guard.admit(Headers(headers), Access.READ))
    clock.now += 2
    with pytest.raises(InvalidKeyError):
        asyncio.run(guard.admit(Headers(headers), Access.READ))
    restarted = Guard(catalog.keys, admission=admission, reachable=False)
    with pytest.raises(InvalidKeyError):
        admit(restarted, Access.READ)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer molt_wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic bW9sdDptb2x0"},
        {"api-key": ""},
        {"api-key": "molt_ünknown"},
        {"authorization": "Bearer " + "molt_" * 10_000},
    ],
)
def test_without_a_key_in_use_nobody_passes(
    catalog: Catalog, admission: Admission, headers: dict[str, str]
) -> None:
    catalog.keys.create("admin", Role.ADMIN)
    guard = Guard(catalog.keys, admission=admission, reachable=False)
    with pytest.raises(InvalidKeyError):
        asyncio.run(guard.admit(Headers(headers), Access.READ))


def test_every_route_declares_what_it_asks_for() -> None:
    assert all(isinstance(route, Route) for route in ROUTES)
    assert [route.path for route in ROUTES if route.access is Access.CLOSED] == []


def test_the_role_of_every_route_is_documented() -> None:
    declared = [
        (method, route.path_format, route.access) for route in ROUTES for method in route.methods
    ]
    rows = sorted((path, method, access) for method, path, access in declared)
    table = [f"| `{method} {path}` | {access} |" for path, method, access in rows]
    assert re.findall(r"^\| `.*$", ROLES, re.MULTILINE) == table


HEALTH = {"/livez", "/readyz", "/health"}


def test_only_health_is_public_and_what_a_person_gives_a_key_on() -> None:
    public = {route.path for route in ROUTES if route.access is Access.PUBLIC}
    assert public == HEALTH | {"/login", "/logout", "/assets/{asset}"}


@pytest.mark.parametrize(("method", "path", "access"), MATRIX)
def test_a_route_is_closed_to_lesser_roles_and_open_to_its_own(
    keyed: TestClient, method: str, path: str, access: Access
) -> None:
    names = dict.fromkeys(("collection", "id", "model", "deployment", "name"), "none")
    path = path.format(**names, asset="start.js")
    if access is Access.PUBLIC:
        status = keyed.request(method, path).status_code
        assert status == 200 if path in HEALTH else status not in {401, 500}
        return
    assert keyed.request(method, path).status_code == 401
    for role in Role:
        answer = keyed.request(method, path, headers={"api-key": keyed.secrets[role]})  # type: ignore[attr-defined]
        assert answer.status_code != 401
        assert (answer.status_code == 403) == (role.rank < ORDER[access])


def test_a_bearer_token_is_as_good_as_an_api_key(keyed: TestClient) -> None:
    secret = keyed.secrets[Role.READ]  # type: ignore[attr-defined]
    answer = keyed.get("/collections", headers={"Authorization": f"bearer {secret}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("role", "wrong"),
    [
        (Role.READ, {"Authorization": "Bearer molt_wrong", "api-key": "molt_wrong"}),
        (Role.READ, {"Authorization": "Bearer sk-of-another-service"}),
        (Role.READ, {"api-key": "molt_wrong", "Authorization": "Basic bW9sdDptb2x0"}),
        (Role.READ, {}),
    ],
)
def test_x_api_key_is_taken_too_and_a_wrong_key_hides_no_right_one(
    keyed: TestClient, role: Role, wrong: dict[str, str]
) -> None:
    secret = keyed.secrets[role]  # type: ignore[attr-defined]
    right = {"x-api-key": secret}
    assert keyed.get("/collections", headers=wrong | right).status_code == 200
    assert keyed.get("/collections", headers=wrong | {"x-api-key": "molt_x"}).status_code == 401


def test_of_several_right_keys_the_one_that_may_do_most_counts(keyed: TestClient) -> None:
    secrets = keyed.secrets  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {secrets[Role.READ]}", "api-key": secrets[Role.ADMIN]}
    assert keyed.get("/admin/generations", headers=headers).status_code == 200


def test_a_new_key_opens_at_once_beside_one_that_may_do_less(
    catalog: Catalog, admission: Admission
) -> None:
    reader = catalog.keys.create("reader", Role.READ)
    clock = Clock()
    guard = Guard(catalog.keys, admission=admission, reachable=False, clock=clock)
    asyncio.run(guard.admit(Headers({"api-key": reader}), Access.READ))
    clock.now += 1
    headers = {"api-key": reader, "x-api-key": catalog.keys.create("writer", Role.WRITE)}
    asyncio.run(guard.admit(Headers(headers), Access.WRITE))


def test_a_missing_key_is_told_in_the_envelope_of_the_path(keyed: TestClient) -> None:
    assert keyed.get("/collections").headers["www-authenticate"] == "Bearer"
    assert keyed.get("/collections").json()["type"] == "urn:molt:problem:invalid_key"
    assert keyed.get("/v1/models").json()["error"]["type"] == "authentication_error"
    assert keyed.get("/info").json()["error_type"] == "Validation"


def test_wrong_keys_in_crowds_keep_no_right_one_waiting(
    catalog: Catalog, admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the keys' bulkhead takes at once, beside a right one."""
    looks: list[float] = []
    in_use = catalog.keys.in_use

    def noted() -> Mapping[bytes, Key]:
        looks.append(time.monotonic())
        return in_use()

    monkeypatch.setattr(catalog.keys, "in_use", noted)
    secret = catalog.keys.create("reader", Role.READ)
    guard = Guard(catalog.keys, admission=admission, reachable=True)
    done: list[str] = []

    async def ask(key: str) -> None:
        try:
            headers = Headers({"api-key": key})
            caller = await guard.admit(headers, Access.READ, address="10.0.0.1")
            done.append(caller.name)
        except InvalidKeyError:
            done.append("unknown")

    async def all_at_once() -> None:
        await ask(secret)
        done.clear()
        wrong = [ask(f"molt_{number}") for number in range(700)]
        await asyncio.gather(*wrong, ask(secret))

    asyncio.run(all_at_once())
    assert (done.count("unknown"), done.count("reader")) == (700, 1)
    assert done.index("reader") <= 20  # the others wait
    assert len(looks) <= 3


def test_a_new_key_opens_at_once(catalog: Catalog, admission: Admission) -> None:
    guard = Guard(catalog.keys, admission=admission, reachable=True)
    with pytest.raises(InvalidKeyError):
        admit(guard, Access.READ, **{"api-key": "molt_none"})
    secret = catalog.keys.create("reader", Role.READ)
    admit(guard, Access.READ, **{"api-key": secret})


def test_a_crowd_that_comes_while_there_is_no_key_is_let_in(
    catalog: Catalog, admission: Admission
) -> None:
    guard = Guard(catalog.keys, admission=admission, reachable=False)

    async def all_at_once() -> set[str]:
        callers = (guard.admit(Headers(), Access.READ) for _ in range(50))
        return {caller.name for caller in await asyncio.gather(*callers)}

    assert asyncio.run(all_at_once()) == {"local"}


def test_a_key_that_has_expired_is_refused_with_its_date_and_named(
    catalog: Catalog, admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    secret = catalog.keys.create("guest", Role.READ, expires_at=soon)
    guard = Guard(catalog.keys, admission=admission, reachable=True)
    admit(guard, Access.READ, **{"api-key": secret})
    monkeypatch.setattr(Key, "expired", True)
    with pytest.raises(InvalidKeyError, match=f"expired on {soon:%F at %R} UTC") as refused:
        admit(guard, Access.READ, **{"api-key": secret})
    assert refused.value.key is not None
    assert refused.value.key.name == "guest"


def test_a_key_that_has_expired_hides_no_other(
    catalog: Catalog, admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    guest = catalog.keys.create("guest", Role.ADMIN, expires_at=soon)
    headers = {"api-key": guest, "x-api-key": catalog.keys.create("reader", Role.READ)}
    monkeypatch.setattr(Key, "expired", property(lambda key: key.expires_at is not None))
    guard = Guard(catalog.keys, admission=admission, reachable=True)
    admit(guard, Access.READ, **headers)


def test_a_key_of_all_collections_goes_before_one_of_some(
    catalog: Catalog, admission: Admission
) -> None:
    some = catalog.keys.create("some", Role.ADMIN, reach=Reach(("other",)))
    headers = {"api-key": some, "x-api-key": catalog.keys.create("reader", Role.READ)}
    guard = Guard(catalog.keys, admission=admission, reachable=True)
    caller = asyncio.run(guard.admit(Headers(headers), Access.READ))
    assert caller.name == "reader"


def test_the_use_of_a_key_is_written_down_once_in_a_while(
    catalog: Catalog, admission: Admission
) -> None:
    clock = Clock()
    secret = catalog.keys.create("reader", Role.READ)
    guard = Guard(catalog.keys, admission=admission, reachable=True, clock=clock)

    async def use() -> None:
        await guard.admit(Headers({"api-key": secret}), Access.READ)
        await asyncio.gather(*guard._noting)

    def used() -> datetime | None:
        return catalog.keys.list()[0].used_at

    assert used() is None
    asyncio.run(use())
    first = used()
    assert first is not None
    asyncio.run(use())
    assert used() == first
    clock.now += NOTED_SECONDS
    asyncio.run(use())
    again = used()
    assert again is not None
    assert again > first


@pytest.mark.parametrize("wanted", ["shop", "eu-shop"])
def test_of_two_keys_of_some_collections_the_one_for_the_named_one_counts(
    tmp_path: Path, wanted: str
) -> None:
    with serving(tmp_path) as client:
        keys = service_of(client).engine.catalog.keys
        for name in ("shop", "eu-shop"):
            client.post("/collections", json={"name": name})
        shop = keys.create("shop", Role.ADMIN, reach=Reach(("shop",)))
        europe = keys.create("europe", Role.ADMIN, reach=Reach(("eu-*",)))
        service_of(client).guard._locked_until = 0.0
        headers = {"api-key": shop, "x-api-key": europe}
        assert client.get(f"/collections/{wanted}", headers=headers).status_code == 200
        params = {"collection": wanted}
        assert client.get("/admin/jobs", params=params, headers=headers).status_code == 200
        answer = client.post("/admin/merge", json=params, headers=headers)
        assert answer.json()["actor"] == {"shop": "shop", "eu-shop": "europe"}[wanted]
        assert client.get("/collections/other", headers=headers).status_code == 403
