"""The walk with the mouse, docs/walk.md: no longer than it says, and every step can be taken."""

import re
from pathlib import Path

import pytest

from tests.browsing import launched, needs_chromium, opened
from tests.demo.stand import DemoServer, demo_home
from tests.demo.walking import JOB_SECONDS, STEPS, DemoWalk, documented_steps
from tests.paths import DOCS, ROOT

MOST_STEPS = 10
MOST_BYTES = 1_500_000
IMAGE = re.compile(r"!\[[^\]]+\]\((?:docs/)?images/([\w.-]+)\)")


def test_the_walk_has_at_most_ten_steps_and_each_of_them_is_walked() -> None:
    steps = documented_steps()
    assert 0 < len(steps) <= MOST_STEPS
    assert steps == list(STEPS)


def test_pages_show_every_screenshot_that_there_is_and_no_other() -> None:
    pages = [*DOCS.glob("*.md"), ROOT / "README.md"]
    shown = {name for page in pages for name in IMAGE.findall(page.read_text(encoding="utf-8"))}
    kept = {path.name: path.stat().st_size for path in (DOCS / "images").iterdir()}
    assert shown == set(kept)
    assert sum(kept.values()) < MOST_BYTES


@needs_chromium
@pytest.mark.walk
@pytest.mark.timeout(2 * JOB_SECONDS)
def test_the_demo_is_judged_retrained_compared_and_rolled_back_with_the_mouse_alone(
    tmp_path: Path, default_checkpoint: Path
) -> None:
    home = demo_home(tmp_path, default_checkpoint)
    with DemoServer(home) as server, launched() as browser, opened(browser, server) as page:
        walk = DemoWalk(page)
        for step in documented_steps():
            STEPS[step](walk)
