"""The steps of docs/walk.md as a person takes them: in a browser, by mouse, typing two queries."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.paths import DOCS
from tests.waiting import wait_until

QUERY = "copy a whole directory tree"
BEST = "shutil.copytree"
JOB_SECONDS = 900.0
STEP = re.compile(r"^(\d+)\. \*\*([^*]+)\.\*\*", re.MULTILINE)


def documented_steps() -> list[str]:
    """The names of the steps, as the page has them. Raises `ValueError` where one has none."""
    text = (DOCS / "walk.md").read_text(encoding="utf-8")
    found = STEP.findall(text)
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    if [int(number) for number, _ in found] != numbers:
        raise ValueError(f"docs/walk.md has the steps {numbers}, and names for {found}")
    return [name for _, name in found]


@dataclass
class DemoWalk:
    """A walk over the demo that a browser shows; `look` is told where there is something to see."""

    page: Page
    look: Callable[[str], None] = lambda name: None
    serving: str = ""
    retrain: str = ""

    def search(self) -> None:
        """Typed, filtered by a kind, and the filter taken back."""
        page = self.page
        page.goto("/")
        page.get_by_role("searchbox").click()
        page.get_by_role("searchbox").press_sequentially(QUERY, delay=10)
        expect(page.locator(".hit h2").first).to_have_text(BEST)
        self.look("search")
        page.get_by_role("link", name=re.compile(r"^function [\d,]+$")).click()
        expect(page.locator(".chip").first).to_be_visible()
        page.locator(".chip").first.click()
        expect(page.locator(".chip")).to_have_count(0)
        self.serving = self._checkpoint_at_foot()

    def judge_results(self) -> None:
        """A thumb up for the first result, one down for the second."""
        hits = self.page.locator(".hit")
        hits.first.get_by_role("button", name="Relevant", exact=True).click()
        expect(hits.first.locator("[data-up]")).to_have_attribute("aria-pressed", "true")
        hits.nth(1).get_by_role("button", name="Not relevant").click()
        expect(hits.nth(1).locator("[data-down]")).to_have_attribute("aria-pressed", "true")
        self.look("thumbs")

    def start_retrain(self) -> None:
        """From the console, previewed."""
        self._open_collection()
        self.page.get_by_label("When it is trained").select_option("never")
        self.page.get_by_label("How thoroughly").select_option("quick")
        self.page.get_by_role("button", name="Preview").click()
        expect(self.page.get_by_text("run.epochs")).to_be_visible()
        start = self.page.get_by_role("button", name="Start the retrain")
        start.scroll_into_view_if_needed()
        self.look("retrain")
        start.click()
        expect(self.page).to_have_url(re.compile("/console/jobs/"))

    def watch(self) -> None:
        """Until the job has ended; its curves are drawn as they come."""
        page = self.page
        self.retrain = page.url
        patience = JOB_SECONDS * 1000
        told = page.locator("[data-log]")
        expect(told).to_contain_text(re.compile(r"dev: epoch 1\b"), timeout=patience)
        expect(page.locator('[data-curve="loss"] canvas')).to_be_visible()
        expect(page.locator('[data-curve="ndcg10"] canvas')).to_be_visible()
        self.look("job")
        self._wait_for_end()

    def read_report(self) -> None:
        """The gate's story, then the report, and back."""
        page = self.page
        decided = re.compile("^The gate (accepted|refused) it$")
        expect(page.get_by_role("heading", name=decided)).to_be_visible()
        for title in ("Why", "What the test could have seen"):
            expect(page.get_by_role("heading", name=title)).to_be_visible()
        self.look("gate")
        page.get_by_role("link", name="Read the report").click()
        expect(page.get_by_text("nDCG@10").first).to_be_visible()
        self.look("report")
        page.go_back()

    def judge_next(self) -> None:
        """Some documents of queries that the two encoders rank most differently, graded."""
        page = self.page
        page.get_by_role("link", name="Judge what tells most").click()
        for _ in range(2):
            query = page.locator(".bar h2").inner_text()
            for at, grade in enumerate((0, 1, 2)):
                hit = page.locator(".hit").nth(at)
                hit.get_by_role("button", name=f"Grade {grade}").click()
                expect(hit.locator(f'[data-grade="{grade}"]')).to_have_attribute(
                    "aria-pressed", "true"
                )
            self.look("judge")
            page.get_by_role("link", name="Next query").click()
            expect(page.locator(".bar h2")).not_to_have_text(query)

    def serve(self) -> None:
        """With a reason, from the page of the job that trained it."""
        page = self.page
        page.get_by_role("link", name="Console").click()
        page.get_by_label("Console").get_by_role("link", name="Jobs").click()
        page.get_by_role("row").filter(has_text="retrain").first.get_by_role("link").click()
        expect(page).to_have_url(self.retrain)
        page.get_by_text(re.compile("^Serve it( anyway)?…$")).click()
        page.get_by_label("Why").fill("to look at it beside the former one")
        page.get_by_role("button", name="Index default by it, and serve").click()
        expect(page).not_to_have_url(self.retrain)
        expect(page.locator("[data-log]")).to_contain_text("flipped", timeout=JOB_SECONDS * 1000)

    def compare(self) -> None:
        """What serves, beside what served before."""
        page = self.page
        self._open_collection()
        page.get_by_role("link", name="Compare", exact=True).last.click()
        expect(page.locator("#c1")).not_to_have_value("")
        page.get_by_role("searchbox").click()
        page.get_by_role("searchbox").press_sequentially(QUERY)
        wait_until(self._two_compared)  # memory follows the pointer within a moment
        self.look("compare")

    def roll_back(self) -> None:
        """With a reason."""
        self._open_collection()
        self.page.get_by_text("Roll back…").click()
        self.page.get_by_label("Why").first.fill("seen enough")
        self.page.get_by_role("button", name="Serve from what was served before").click()

    def see_history(self) -> None:
        """Both moves with their reasons; and the former checkpoint answers again."""
        page = self.page
        history = self._panel("Release history")
        expect(history.locator("tbody tr").nth(0)).to_contain_text("seen enough")
        moved = history.locator("tbody tr").nth(1)
        expect(moved).to_contain_text("to look at it beside the former one")
        expect(moved.get_by_role("link", name="report")).to_be_visible()
        history.scroll_into_view_if_needed()
        self.look("history")
        page.get_by_role("link", name="Search").click()
        page.get_by_role("searchbox").click()
        page.get_by_role("searchbox").press_sequentially(QUERY)
        expect(page.locator(".hit h2").first).to_have_text(BEST)
        assert self._checkpoint_at_foot() == self.serving

    def _two_compared(self) -> bool:
        self.page.get_by_role("button", name="Compare").click()
        expect(self.page.locator(".column")).to_have_count(2)
        return len(set(self.page.locator(".column .mono").all_inner_texts())) == 2

    def _open_collection(self) -> None:
        self.page.get_by_role("link", name="Console").click()
        self._panel("Collections").get_by_role("link", name="default").click()

    def _panel(self, heading: str) -> Locator:
        found = self.page.get_by_role("heading", name=heading, exact=True)
        return self.page.locator("section.panel").filter(has=found)

    def _wait_for_end(self) -> None:
        state = self.page.locator("#job-state > p .state")
        ended = re.compile("done|failed|cancelled")
        expect(state).to_have_text(ended, timeout=JOB_SECONDS * 1000)
        expect(state).to_have_text("done")

    def _checkpoint_at_foot(self) -> str:
        return self.page.get_by_text("Answered by generation").locator(".mono").last.inner_text()


STEPS: Mapping[str, Callable[[DemoWalk], None]] = {
    "Search": DemoWalk.search,
    "Say what was relevant": DemoWalk.judge_results,
    "Start a retrain": DemoWalk.start_retrain,
    "Watch it": DemoWalk.watch,
    "Read what the gate says": DemoWalk.read_report,
    "Judge what tells most": DemoWalk.judge_next,
    "Serve it": DemoWalk.serve,
    "Compare before and after": DemoWalk.compare,
    "Roll back": DemoWalk.roll_back,
    "See it in the history": DemoWalk.see_history,
}
"""What each step of the page does, in its order."""
