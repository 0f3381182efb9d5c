"""A real browser for tests: whatever it complains of fails them, as does a request elsewhere."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium; `make browser` installs it"
)


class Served(Protocol):
    """What listens at a URL."""

    url: str


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser, for as long as the block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, server: Served, **options: Any) -> Iterator[Page]:
    """A page of a fresh profile; what it complained of is told at the end."""
    context = browser.new_context(base_url=server.url, **options)
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []

    def away(url: str) -> bool:
        return not url.startswith(server.url)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _is_bad(said) else None)
    page.on("request", lambda asked: complaints.append(asked.url) if away(asked.url) else None)
    try:
        yield page
    finally:
        context.close()
    assert complaints == []


def _is_bad(said: ConsoleMessage) -> bool:
    """The browser tells of each answer that is an error, which is no fault of a page."""
    is_told = said.text.startswith("Failed to load resource")
    return said.type in {"error", "warning"} and not is_told
