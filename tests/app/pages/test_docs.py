import re
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

ASSETS = re.compile(r'(?:src|href)="(?!data:)([^"]+)"')


def test_the_page_loads_everything_from_here_and_runs_nothing_inline(shop: TestClient) -> None:
    page = shop.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|<style|https?:", page.text)
    for path in ASSETS.findall(page.text):
        assert shop.get(path).status_code == 200


def test_the_policy_lets_the_page_load_nothing_else(shop: TestClient) -> None:
    policy = shop.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["LICENSE", "../endpoints.py", "index.html", "none.js"])
def test_only_the_parts_of_the_page_are_served(shop: TestClient, name: str) -> None:
    assert shop.get(f"/docs/{name}").status_code in {404, 422}


def test_what_is_vendored_comes_with_its_license() -> None:
    assets = files("molt.app.pages.docs") / "assets"
    assert "Apache License" in (assets / "LICENSE").read_text()
    assert "SmartBear" in (assets / "NOTICE").read_text()
