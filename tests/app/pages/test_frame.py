"""What holds for every page: its headers, its assets, sessions, tokens, and errors for people."""

import hashlib
import re
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

from molt.app.application import NOUNS
from molt.app.http.admission import Admission, OverloadedError
from molt.app.http.auth import Access
from molt.app.pages.frame.failures import local_path
from molt.app.pages.frame.page_route import PageRoute, new_page_router
from molt.engine.engine import Engine
from molt.engine.errors import UnavailableError
from molt.index.catalog.access.keys import Role
from tests.app.pages.conftest import Person, log_in, token_in
from tests.app.serving import service_of

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://localhost/?q=warm+boots"}
LOADED = re.compile(r'(?:src|href)="(/assets/[^"]+)"')
ROUTES = [route for noun in NOUNS for route in noun.router.routes if isinstance(route, PageRoute)]
PAGES = [route for route in ROUTES if "GET" in route.methods and "{" not in route.path]
ASKED = {"/compare/why": "?q=warm+boots&collection=default&id=d1&c=hybrid&c=dense"}
OPENED = sorted(route.path + ASKED.get(route.path, "") for route in PAGES)
SENT = sorted(
    (method, route.path) for route in ROUTES for method in route.methods if method != "GET"
)


@pytest.mark.parametrize("path", OPENED)
def test_a_page_runs_nothing_inline_and_loads_everything_from_here(
    desk: TestClient, path: str
) -> None:
    page = desk.get(path, headers=PAGE)
    assert page.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=\"|<style|style=|javascript:", page.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:|//)', page.text)
    for asset in LOADED.findall(page.text):
        assert desk.get(asset).status_code == 200


@pytest.mark.parametrize("path", [*OPENED, "/nothing-is-here"])
def test_the_policy_of_a_page_allows_nothing_else(desk: TestClient, path: str) -> None:
    headers = desk.get(path, headers=PAGE).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_a_first_page_with_all_that_it_loads_is_below_100_kilobytes(desk: TestClient) -> None:
    page = desk.get("/", headers=PAGE)
    loaded = {asset: desk.get(asset).content for asset in LOADED.findall(page.text)}
    assert len(page.content) + sum(map(len, loaded.values())) < 100_000


def test_an_asset_is_kept_for_ever_under_a_name_that_its_content_gives(desk: TestClient) -> None:
    (path,) = {one for one in LOADED.findall(desk.get("/").text) if "molt." in one and "css" in one}
    asset = desk.get(path)
    assert hashlib.sha256(asset.content).hexdigest()[:12] in path
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith("text/css")
    assert desk.get(path.replace("molt.", "molt.0")).status_code == 404


@pytest.mark.parametrize("name", ["LICENSE.htmx", "../assets.py", "molt.css", "%2e%2e/assets.py"])
def test_nothing_but_assets_is_served_as_one(desk: TestClient, name: str) -> None:
    assert desk.get(f"/assets/{name}").status_code == 404


def test_what_is_vendored_comes_with_its_license() -> None:
    assets = files("molt.app.pages.frame") / "assets"
    assert "Zero-Clause BSD" in (assets / "LICENSE.htmx").read_text()
    assert "Leon Sorokin" in (assets / "LICENSE.uplot").read_text()


@pytest.mark.parametrize(("method", "path"), SENT)
def test_what_changes_something_is_refused_without_the_token_of_a_page(
    desk: TestClient, method: str, path: str
) -> None:
    path = path.replace("{", "").replace("}", "")
    for sent in ({}, {"token": ""}, {"token": "0" * 64}):
        answer = desk.request(method, path, data=sent)
        assert answer.status_code == 403
        assert "does not come from a page of this server" in answer.text
    token = token_in(desk.get("/").text)
    foreign = {"X-Molt-Token": token, "Sec-Fetch-Site": "cross-site"}
    assert desk.request(method, path, headers=foreign).status_code == 403
    own = {"X-Molt-Token": token, "Sec-Fetch-Site": "same-origin"}
    answer = desk.request(method, path, headers=own)
    assert "does not come from a page" not in answer.text


def test_the_token_of_one_session_is_none_of_another(person: Person) -> None:
    writer, admin = person(Role.WRITE), person(Role.ADMIN)
    theirs = token_in(admin.get("/").text)
    form = {"q": "boots", "collection": "default", "doc_id": "d1", "thumb": "up"}
    assert writer.post("/thumbs", data=form | {"token": theirs}).status_code == 403
    own = token_in(writer.get("/").text)
    assert writer.post("/thumbs", data=form | {"token": own}).status_code == 200


def test_a_page_route_that_declares_no_role_is_closed() -> None:
    router = new_page_router()

    @router.get("/forgotten")
    async def get_forgotten() -> None: ...

    (route,) = router.routes
    assert isinstance(route, PageRoute)
    assert route.access is Access.CLOSED


def test_who_is_not_logged_in_is_asked_for_a_key_and_led_back(
    keyed: TestClient, person: Person
) -> None:
    stranger = person(None)
    asked = stranger.get("/?q=warm+boots", follow_redirects=False)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/login?then=%2F%3Fq%3Dwarm%2Bboots"
    page = stranger.get("/?q=warm+boots")
    assert 'name="then" value="/?q=warm+boots"' in page.text
    secret = keyed.secrets[Role.READ]  # type: ignore[attr-defined]
    form = {"key": secret, "then": "/?q=warm+boots", "token": token_in(page.text)}
    entered = stranger.post("/login", data=form, follow_redirects=False)
    assert entered.headers["location"] == "/?q=warm+boots"
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert secret.lower() not in cookie
    assert 'data-hit="d1"' in stranger.get("/?q=warm+boots").text


def test_a_wrong_key_is_refused_on_the_page_that_asked_for_it(person: Person) -> None:
    stranger = person(None)
    form = {"key": "molt_wrong", "token": token_in(stranger.get("/login").text)}
    refused = stranger.post("/login", data=form)
    assert refused.status_code == 401
    assert "unknown or revoked" in refused.text
    assert "set-cookie" not in refused.headers
    assert "molt_wrong" not in refused.text


def test_a_part_of_a_page_sends_the_whole_page_to_the_login(person: Person) -> None:
    answer = person(None).get("/?q=socks", headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login?then=%2F%3Fq%3Dwarm%2Bboots"


def test_a_link_from_another_site_leads_to_the_page_all_the_same(person: Person) -> None:
    """Its request comes without the session, which is strict; the next one comes with it."""
    answer = person(None).get("/?q=socks", headers={"Sec-Fetch-Site": "cross-site"})
    assert 'content="0;url=/login?then=%2F%3Fq%3Dsocks"' in answer.text
    back = person(Role.READ).get("/login?then=%2F%3Fq%3Dsocks", follow_redirects=False)
    assert back.headers["location"] == "/?q=socks"


@pytest.mark.parametrize(
    "given",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:1",
        "",
        "\t//e",
    ],
)
def test_nobody_is_led_to_another_site(given: str) -> None:
    assert local_path(given) == "/"


def test_who_logs_out_is_asked_again(person: Person) -> None:
    reader = person(Role.READ)
    token = token_in(reader.get("/").text)
    assert reader.get("/", follow_redirects=False).status_code == 200
    reader.post("/logout", data={"token": token})
    assert reader.get("/", follow_redirects=False).status_code == 303


def test_who_has_a_copy_of_a_cookie_is_logged_out_with_its_person(
    keyed: TestClient, person: Person
) -> None:
    reader, thief, other = person(Role.READ), person(None), person(Role.READ)
    thief.cookies.update(reader.cookies)
    assert thief.get("/", follow_redirects=False).status_code == 200
    reader.post("/logout", data={"token": token_in(reader.get("/").text)})
    assert thief.get("/", follow_redirects=False).status_code == 303
    assert other.get("/", follow_redirects=False).status_code == 200


def test_what_is_no_session_leaves_nothing_when_it_logs_out(
    keyed: TestClient, person: Person
) -> None:
    ended = service_of(keyed).settings.layout.ended_sessions
    before = [*ended.iterdir()] if ended.is_dir() else []
    stranger = person(None)
    stranger.cookies.set("molt_session", "1.1.99999999999.made-up.0")
    token = token_in(stranger.get("/login").text)
    left = stranger.post("/logout", data={"token": token}, follow_redirects=False)
    assert left.status_code == 303
    assert ([*ended.iterdir()] if ended.is_dir() else []) == before


def test_a_failure_of_ours_is_told_on_a_page_and_plainly_where_that_fails_too(
    keyed: TestClient, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = person(Role.READ)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("molt.app.pages.search.endpoints.search_view", fail)
    page = reader.get("/?q=boots")
    assert page.status_code == 500
    assert page.headers["content-type"].startswith("text/html")
    assert "Molt failed" in page.text
    assert page.headers["x-request-id"] in page.text
    part = reader.get("/?q=boots", headers={"hx-request": "true", "hx-target": "results"})
    assert (part.status_code, "<html" in part.text) == (500, False)
    monkeypatch.setattr("molt.app.pages.frame.failures.write_page", fail)
    plain = reader.get("/?q=boots")
    assert plain.status_code == 500
    assert "Molt failed" in plain.json()["error"]


def test_a_session_ends_at_its_time_and_with_its_key(keyed: TestClient, person: Person) -> None:
    service = service_of(keyed)
    reader = person(Role.READ)
    clock, service.sessions._clock = service.sessions._clock, lambda: 2e10
    try:
        assert reader.get("/", follow_redirects=False).status_code == 303
    finally:
        service.sessions._clock = clock
    secret = service.engine.catalog.keys.create("leaving", Role.READ)
    leaver = person(None)
    assert log_in(leaver, secret) == 303
    service.engine.catalog.keys.revoke("leaving")
    service.guard._read_at = -1e9
    assert leaver.get("/", follow_redirects=False).status_code == 303


def test_a_key_that_is_sent_counts_before_a_session(keyed: TestClient, person: Person) -> None:
    reader, admin = person(Role.READ), keyed.secrets[Role.ADMIN]  # type: ignore[attr-defined]
    assert reader.get("/console").status_code == 403
    assert reader.get("/console", headers={"api-key": admin}).status_code == 200


def test_a_session_is_a_key_on_pages_alone(person: Person) -> None:
    admin = person(Role.ADMIN)
    assert admin.get("/collections").status_code == 401
    assert admin.post("/collections", json={"name": "theirs"}).status_code == 401
    assert admin.get("/docs").status_code == 200


@pytest.mark.parametrize("secret", ["", " ", "x" * 201, "ключ", "molt_\0"])
def test_whatever_is_typed_for_a_key_is_answered(person: Person, secret: str) -> None:
    assert log_in(person(None), secret) in {401, 422}


def test_what_is_not_there_is_told_on_a_page_and_to_programs_as_json(desk: TestClient) -> None:
    page = desk.get("/nothing/here", headers=PAGE)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert desk.get("/nothing/here").json()["status"] == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OverloadedError(7, where="reads"), 429),
        (UnavailableError("it is being loaded", retry_after=7), 503),
    ],
)
def test_overload_and_damage_say_when_to_come_back(
    desk: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Engine, "search", fail)
    answer = desk.get("/?q=boots", headers=PAGE)
    assert answer.status_code == status
    assert answer.headers["retry-after"] == "7"
    assert "Try again in 7 seconds" in answer.text
    within = desk.get("/?q=boots", headers=PAGE | HTMX | {"HX-Target": "results"})
    assert within.status_code == status
    assert "<html" not in within.text


def test_a_full_bulkhead_is_told_on_a_page(
    desk: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Admission, **_: object) -> None:
        raise OverloadedError(3, where=self.bulkhead)

    monkeypatch.setattr(Admission, "check_room", full)
    answer = desk.get("/", headers=PAGE)
    assert answer.status_code == 429
    assert "text/html" in answer.headers["content-type"]
