"""The pages as people use them: in a real browser, by mouse, keyboard and on a phone.

Whatever the browser complains of fails the test, and so does a request to another host.
"""

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import open_catalog
from tests.app.serving import BOOTS, Process, started
from tests.browsing import launched, needs_chromium, opened
from tests.cross_encoders import accepted_cross_encoder

AXE = Path(__file__).parent.parent / "app" / "pages" / "assets" / "axe.min.js"
PHONE = {"width": 390, "height": 800}
QUERIES = {
    "queries": [{"id": "q1", "text": "warm boots"}, {"id": "q2", "text": "tent"}],
    "judgments": [{"query_id": "q1", "doc_id": "d1", "grade": 2}],
}
EVENTS = [
    {"event": "step", "step": "train"},
    *({"event": "progress", "stage": "training", "done": n, "loss": 1 / n} for n in range(1, 9)),
    *({"event": "stage", "stage": "training", "epoch": n, "ndcg10": n / 4} for n in (1, 2)),
]
PATHS = [
    "/",
    "/?q=warm+boots&f=brand:acme",
    "/compare?q=warm+boots",
    "/compare/why?q=warm+boots&collection=default&id=d1&c=hybrid&c=dense",
    "/judge",
    "/console",
    "/console/collections/default",
    "/console/checkpoints",
    "/console/upload",
    "/console/keys",
    "/console/settings",
    "/nothing/is/here",
]

pytestmark = needs_chromium


def send(server: Process, path: str, body: dict[str, Any], key: str = "") -> None:
    headers = {"Content-Type": "application/json", "api-key": key}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=60).close()


def fill(server: Process, key: str = "") -> None:
    send(server, "/collections", {"name": "default"}, key)
    brands = ["acme", "acme", "zeta"]
    documents = [
        one | {"metadata": {**one["metadata"], "brand": brand}}  # type: ignore[dict-item]
        for one, brand in zip(BOOTS, brands, strict=True)
    ]
    send(server, "/collections/default/documents", {"documents": documents}, key)
    send(server, "/collections/default/judgments", QUERIES, key)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Pages where no key is asked for; the collection `zoo` has a cross-encoder."""
    home = tmp_path_factory.mktemp("pages")
    accepted_cross_encoder(home / "checkpoints", collection="zoo", weight=9.0)
    with started(home) as server:
        fill(server)
        send(server, "/collections", {"name": "zoo"})
        animals = {"id": "zoo", "title": "Zoo", "text": "zzz zzz a warm word"}
        send(server, "/collections/zoo/documents", {"documents": [*BOOTS, animals]})
        yield server


def test_a_search_is_answered_while_it_is_typed_filtered_and_judged(
    browser: Browser, server: Process
) -> None:
    with opened(browser, server) as page:
        page.goto("/")
        page.get_by_role("searchbox").press_sequentially("warm", delay=15)
        expect(page.locator(".hit")).to_have_count(3)
        expect(page).to_have_url(re.compile(r"q=warm"))
        page.get_by_role("link", name="acme 2").click()
        expect(page.locator(".hit")).to_have_count(2)
        expect(page).to_have_url(re.compile(r"f=brand%3Aacme"))
        page.locator(".hit").first.get_by_role("button", name="Relevant", exact=True).click()
        pressed = page.locator('[data-up][aria-pressed="true"]')
        expect(pressed).to_have_count(1)
        shared = page.url
        page.get_by_text("Meaning", exact=True).click()
        expect(page).to_have_url(re.compile(r"mode=dense"))
        page.get_by_label("Order").select_option("price:desc")
        expect(page.locator(".hit h2").first).to_have_text("Boots")
        page.go_back()
        expect(page.get_by_label("Order")).to_have_value("")
        page.goto(shared)
        expect(page.locator(".hit")).to_have_count(2)
        expect(pressed).to_have_count(1)


def test_the_search_can_be_used_by_the_keyboard_alone(browser: Browser, server: Process) -> None:
    with opened(browser, server) as page:
        page.goto("/judge")  # where no box has the focus
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.goto("/?q=socks")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("boots")
        expect(page.locator(".hit h2").first).to_have_text("Boots")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.locator(".hit").nth(1)).to_be_focused()
        page.keyboard.press("d")
        expect(page.locator(".hit").nth(1).locator("[data-down]")).to_have_attribute(
            "aria-pressed", "true"
        )
        page.goto("/judge")
        page.keyboard.press("3")
        expect(page.locator('[data-grade="3"][aria-pressed="true"]')).to_have_count(1)
        expect(page.locator(".hit").nth(1)).to_be_focused()
        page.keyboard.press("n")
        expect(page).to_have_url(re.compile(r"query=q"))


def test_a_cross_encoder_is_chosen_and_ranks_what_it_likes_first(
    browser: Browser, server: Process
) -> None:
    with opened(browser, server) as page:
        page.goto("/?q=warm&collection=zoo")
        first = page.locator(".hit h2").first
        expect(first).not_to_have_text("Zoo")
        page.get_by_label("Re-rank").select_option("by cross-encoder")
        expect(first).to_have_text("Zoo")
        expect(page).to_have_url(re.compile("rerank=cross-encoder"))
        page.goto("/compare?q=warm&collection=zoo&c=dense")
        page.get_by_label("Column 2").select_option("Meaning, re-ranked by cross-encoder")
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".column").last.locator(".title").first).to_have_text("Zoo")


def test_who_has_no_key_gets_in_with_one_and_out_when_it_is_over(
    browser: Browser, tmp_path: Path
) -> None:
    with closing(open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")) as catalog:
        secret, writing = (catalog.keys.create(role, role) for role in (Role.READ, Role.WRITE))
    with started(tmp_path) as server, opened(browser, server) as page:
        fill(server, writing)
        page.goto("/?q=boots")
        page.get_by_label("API key").fill("molt_wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").filter(has_text="unknown or revoked")).to_be_visible()
        page.get_by_label("API key").fill(secret)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/\?q=boots$"))
        expect(page.locator(".hit")).to_have_count(3)
        expect(page.locator(".thumbs")).to_have_count(0)
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        page.context.clear_cookies()
        page.get_by_role("searchbox").press_sequentially(" warm")
        expect(page.get_by_label("API key")).to_be_visible()
        page.get_by_label("API key").fill(secret)
        page.keyboard.press("Enter")
        expect(page.locator(".hit")).to_have_count(3)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("API key")).to_be_visible()


def test_a_file_is_dropped_looked_at_and_kept(browser: Browser, server: Process) -> None:
    with opened(browser, server) as page:
        page.goto("/console/upload")
        rows = b"id,title,text\n1,Cup,a tin cup\n,Mug,\n"
        file = {"name": "cups.csv", "mimeType": "text/csv", "buffer": rows}
        page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
        expect(page.get_by_text("1 row cannot be read")).to_be_visible()
        page.get_by_label("Into the collection").fill("cups")
        page.get_by_role("button", name="Keep 1 documents").click()
        expect(page.get_by_text("Kept in cups: 1 documents")).to_be_visible()
        page.locator("#file").set_input_files(file | {"name": "cups.pdf"})  # type: ignore[arg-type]
        expect(page.get_by_role("alert")).to_contain_text("is of no known format")


def test_a_retrain_is_asked_for_and_its_curves_are_drawn(browser: Browser, server: Process) -> None:
    told = "".join(
        f"event: progress\nid: {n}\ndata: {json.dumps(one)}\n\n" for n, one in enumerate(EVENTS)
    )
    with opened(browser, server) as page:
        answer = {"content_type": "text/event-stream", "body": f"{told}event: end\ndata: {{}}\n\n"}
        page.route("**/events", lambda route: route.fulfill(**answer))  # no worker runs here
        page.goto("/console/collections/default")
        page.get_by_label("Configuration").fill("[run]\nepochs = 2")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("run.epochs")).to_be_visible()
        page.get_by_role("button", name="Start the retrain").click()
        expect(page.locator(".uplot canvas")).to_have_count(2)
        expect(page.locator("[data-log] li")).to_have_count(3)
        page.get_by_text("Cancel…").click()
        page.get_by_role("button", name="Cancel this job").click()
        expect(page.locator("#job-state .state")).to_have_text("cancelled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_has_no_serious_fault_for_those_who_see_it_otherwise(
    browser: Browser, server: Process, scheme: str
) -> None:
    faults: dict[str, Any] = {}
    with opened(browser, server, viewport=PHONE, color_scheme=scheme) as page:
        for path in PATHS:
            page.goto(path)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults[f"{path}, width"] = page.evaluate("document.documentElement.scrollWidth")
            page.evaluate(AXE.read_text("utf-8"))
            found = page.evaluate("axe.run({resultTypes: ['violations']})")
            for one in found["violations"]:
                if one["impact"] in {"serious", "critical"}:
                    nodes = [node["html"][:200] for node in one["nodes"]]
                    faults[f"{path}, {one['id']}"] = nodes
    assert faults == {}
