r"""Every picture of the docs, taken anew while the demo is walked through.

    python -m tests.demo.screenshots

The pictures are WebP of 1200 x 800 points, in docs/images; look at each of them before it is kept.
"""

import base64
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browsing import launched, opened
from tests.demo.stand import DemoServer, demo_home
from tests.demo.walking import QUERY, STEPS, DemoWalk, documented_steps
from tests.paths import DOCS

IMAGES = DOCS / "images"
WIDE = {"width": 1200, "height": 800}
PHONE = {"width": 390, "height": 800}
QUALITY = 80
WALKED = frozenset(("search", "retrain", "job", "gate", "report", "judge", "compare", "history"))


def take(page: Page, name: str) -> None:
    """The part of a page that a window shows, as docs/images/NAME.webp."""
    page.mouse.move(0, 0)
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": QUALITY, "optimizeForSpeed": False}
    content = session.send("Page.captureScreenshot", asked)["data"]
    (IMAGES / f"{name}.webp").write_bytes(base64.b64decode(content))


def take_walk(browser: Browser, server: DemoServer) -> None:
    """The pictures that the steps show."""
    with opened(browser, server, viewport=WIDE) as page:
        walk = DemoWalk(page, look=lambda name: take(page, name) if name in WALKED else None)
        for step in documented_steps():
            STEPS[step](walk)


def take_others(browser: Browser, server: DemoServer) -> None:
    """A dark page, and one on a phone."""
    with opened(browser, server, viewport=WIDE, color_scheme="dark") as page:
        page.goto(f"/compare?q={QUERY.replace(' ', '+')}")
        expect(page.locator(".column")).to_have_count(3)
        take(page, "dark")
    with opened(browser, server, viewport=PHONE, device_scale_factor=2) as page:
        page.goto(f"/?q={QUERY.replace(' ', '+')}")
        expect(page.locator(".hit").first).to_be_visible()
        take(page, "phone")


def main() -> None:
    """Walk through a demo of its own, and take them all."""
    from tests.conftest import cached_default  # noqa: PLC0415  a plugin of pytest's

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="molt-") as folder:
        home = demo_home(Path(folder), cached_default())
        with DemoServer(home) as server, launched() as browser:
            take_walk(browser, server)
            take_others(browser, server)


if __name__ == "__main__":
    main()
