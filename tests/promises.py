"""What is promised, and how often the tests have tried it: `--resilience=FILE` writes it down.

A test or a module says with `pytest.mark.promise("P1", "what is tried")` which promise it tries; a
test that tries it more than once says so with the fixture `tried`. What failed is named.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROMISES = {
    "P1": "An acknowledged document survives `kill -9` and power loss.",
    "P2": (
        "A reader sees exactly one pair of encoder and index; search is never down during a swap, "
        "a rollback or a re-index."
    ),
    "P3": (
        "Corruption is detected before it serves; the last good generation serves instead, and "
        "`/readyz` says so."
    ),
    "P4": "Jobs resume or fail visibly, with no effect twice.",
    "P5": (
        "No input causes a 500; overload gets 429 with `Retry-After` quickly, and what was "
        "accepted stays fast; 503 is for damage, a defective checkpoint and shutdown, 507 for a "
        "full disk."
    ),
    "P6": "Uploads and checkpoints never execute code and never leave their directory.",
    "P7": (
        "The current version opens what earlier versions wrote; an unknown newer format is refused "
        "with a clear message."
    ),
}
KNOWN = Path(__file__).parent / "known_gaps.md"
_PROPERTY = "promise"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--resilience", type=Path, help="write what was promised and tried to a file")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "promise(id, what): what of the promises in tests/promises.py is tried"
    )
    if config.getoption("--resilience") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Tally(config.getoption("--resilience")), "tally")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("promise"):
        promise, what = mark.args
        assert promise in PROMISES, promise
        item.user_properties.append((_PROPERTY, (promise, what, 1)))


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Says how often this test tries what it is marked with."""

    def count(times: int) -> None:
        properties = request.node.user_properties
        properties[:] = [
            (name, (*value[:2], times) if name == _PROPERTY else value)
            for name, value in properties
        ]

    return count


class _Tally:
    """Counts in the process that reports, whichever ones ran the tests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[tuple[str, str]] = Counter()
        self._failed: set[tuple[str, str]] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or (report.when == "call" and report.passed):
            values: list[Any] = [
                value for name, value in report.user_properties if name == _PROPERTY
            ]
            for promise, what, times in values:
                self._counts[promise, what] += times
                if report.failed:
                    self._failed.add((promise, what))

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(written(self._counts, self._failed, KNOWN.read_text()))


def written(counts: Counter[tuple[str, str]], failed: set[tuple[str, str]], known: str) -> str:
    """The document, from how often each thing was tried, and what did not hold."""
    lines = [
        "# Resilience",
        "",
        "What Molt promises, what the tests do to break it, and how often they did in the run that",
        "wrote this file. What did not hold in it says so. `make resilience` runs them all again;",
        "what is known not to hold comes last.",
    ]
    for promise, text in PROMISES.items():
        lines += ["", f"## {promise}", "", text, "", "| tried | times |", "|---|---|"]
        lines += _rows(promise, counts, failed)
    return "\n".join([*lines, "", known.strip(), ""])


def _rows(
    promise: str, counts: Counter[tuple[str, str]], failed: set[tuple[str, str]]
) -> list[str]:
    return [
        f"| {what} | {times}{', failed' if (of, what) in failed else ''} |"
        for (of, what), times in sorted(counts.items())
        if of == promise
    ]
