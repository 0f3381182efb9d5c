"""What was spent on a test split, and what to judge next, as commands tell it."""

from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.judgments import Judgment
from tests.cli.conftest import Molt
from tests.judged_reports import REPORT, keep_report

LISTED = {"u1": ("a tent\nfor two", ["d1", "d2"]), "u2": ("warm boots", ["d3"])}


@pytest.fixture
def shop(home: Path) -> str:
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.create("shop")
        keep_report(home, catalog, "shop", **LISTED)
    return "shop"


def test_each_candidate_is_listed_with_its_level_and_what_came_of_it(molt: Molt, shop: str) -> None:
    header, line = molt("gate", shop).stdout.splitlines()
    assert header.split("\t")[:2] == ["account", "attempt"]
    cells = line.split("\t")
    assert cells[:2] == ["1, 2 queries", "1"]
    assert cells[3:] == ["c" * 16, "b" * 16, "0.0167", "no", REPORT]
    (account,) = molt("--json", "gate", shop).value["accounts"]
    assert (account["queries"], account["spent"][0]["level"]) == (2, 0.05 / 3)


def test_a_collection_that_was_never_judged_has_no_account(molt: Molt, home: Path) -> None:
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.create("new")
    assert "No candidate was judged" in molt("gate", "new").stderr
    refused = molt("queries", "next", "new")
    assert (refused.status, "molt retrain new --promote never" in refused.stderr) == (1, True)


def test_what_to_judge_first_is_listed_without_what_was_judged_since(
    molt: Molt, home: Path, shop: str
) -> None:
    lines = molt("queries", "next", shop).stdout.splitlines()
    assert lines[1:] == ["u1\t0.75\t2\ta tent for two", "u2\t0.75\t1\twarm boots"]
    with closing(open_catalog(home_url(home))) as catalog:
        judgments = [Judgment("u1", "d1", 2, "test")]
        catalog.judgments.put(catalog.collections.get(shop), judgments=judgments)
    value = molt("--json", "queries", "next", shop, "--report", REPORT[:6]).value
    assert [(one["query_id"], one["doc_ids"]) for one in value["queries"]] == [("u2", ["d3"])]


def test_a_report_that_is_not_there_or_of_another_collection_is_an_error(
    molt: Molt, home: Path, shop: str
) -> None:
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.create("other")
    assert molt("queries", "next", shop, "--report", "0" * 16).status == 1
    assert "is of shop" in molt("queries", "next", "other", "--report", REPORT).stderr
