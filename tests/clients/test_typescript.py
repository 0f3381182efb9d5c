"""The client in TypeScript, as `make typescript` builds it: in Node.js, and in another's page."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.app.serving import BOOTS, Process, started
from tests.paths import ROOT

pytestmark = pytest.mark.clients

CLIENT = ROOT / "clients" / "typescript"
CHROMIUM = shutil.which("chromium")
PROGRAM = Path(__file__).parent / "programs" / "molt_typescript.mjs"


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    if not (CLIENT / "dist" / "molt-client.js").exists():
        pytest.skip("the client in TypeScript is not built; `make typescript` builds it with npm")


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """The example, on an origin of its own."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(CLIENT)))
    serving = threading.Thread(target=files.serve_forever)
    serving.start()
    yield f"http://localhost:{files.server_port}"
    files.shutdown()
    serving.join()
    files.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, page_url: str) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("home"), MOLT_CORS__ORIGINS=page_url) as server:
        httpx.post(f"{server.url}/collections", json={"name": "shop"}).raise_for_status()
        sent = {"documents": BOOTS}
        httpx.post(f"{server.url}/collections/shop/documents", json=sent).raise_for_status()
        yield server


def test_a_program_searches_waits_for_a_busy_server_and_is_told_what_is_wrong(
    server: Process,
) -> None:
    command = ["node", PROGRAM, server.url, CLIENT / "dist" / "molt-client.js"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["asked"] == 3
    assert told["ids"] == ["d1", "d2"]
    assert told["wrong"] == [True, 404, "collection_not_found"]
    assert told["refused"] == ["overloaded", "later (429 overloaded)"]
    assert told["once"] == [1, "stops (503 unknown)"]


def test_a_program_that_misspells_is_told_by_the_compiler() -> None:
    source = CLIENT / "src" / "misspelt.ts"
    source.write_text(
        'import { connect } from "./index.js";\n'
        'connect({ url: "" }).POST("/search", { body: { query: "boots", tops: 3 } });\n'
    )
    try:
        done = subprocess.run(
            [CLIENT / "node_modules" / ".bin" / "tsc", "--noEmit"],
            cwd=CLIENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        source.unlink()
    assert done.returncode != 0
    assert "'tops'" in done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: `make browser`")
def test_a_page_of_another_origin_searches_as_one_types(server: Process, page_url: str) -> None:
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda said: problems.append(said.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{page_url}/examples/search.html?url={server.url}&collection=shop")
        page.get_by_label("Search").press_sequentially("warm boots")
        expect(page.get_by_role("listitem").first).to_have_text("Boots: warm waterproof boots")
        expect(page.get_by_role("status")).to_contain_text("of 3")
        browser.close()
    assert [one for one in problems if "favicon" not in one and "404" not in one] == []
