from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.judging.learnt import CLICKS, learnt_query_id
from molt.index.catalog.judgments import Judgment, Query
from molt.index.files import open_source
from tests.cli.conftest import Molt

JUDGED = [Judgment("q1", "d1", 2, "test"), Judgment("q1", "d2", 0), Judgment("q2", "d1", 1, "dev")]
QUERIES = [Query("q1", "warm boots", {"lang": "en"}), Query("q2", "a tent\nfor two")]


@pytest.fixture
def shop(home: Path) -> str:
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        made = catalog.collections.create("shop")
        catalog.judgments.put(made, queries=QUERIES, judgments=JUDGED)
    return "shop"


def test_judgments_are_listed_and_chosen_by_query_and_split(molt: Molt, shop: str) -> None:
    lines = molt("judgments", "list", shop, "--split", "validation").stdout.splitlines()
    assert lines == ["query\tdocument\tgrade\tsplit", "q2\td1\t1\tdev"]
    found = molt("--json", "judgments", "list", shop, "--query", "q1").value
    assert [one["doc_id"] for one in found["judgments"]] == ["d1", "d2"]
    cut = molt("judgments", "list", shop, "--limit", "1")
    assert len(cut.stdout.splitlines()) == 2
    assert "more than 1" in cut.stderr


def test_queries_are_listed_on_a_line_each(molt: Molt, shop: str) -> None:
    lines = molt("queries", "list", shop).stdout.splitlines()
    assert lines == ["query\ttext", "q1\twarm boots", "q2\ta tent for two"]
    found = molt("--json", "queries", "list", shop, "--split", "dev").value
    assert [one["id"] for one in found["queries"]] == ["q2"]


def test_what_is_kept_is_counted(molt: Molt, shop: str) -> None:
    value = molt("--json", "judgments", "count", shop).value
    assert (value["queries"], value["judgments"], value["unknown_documents"]) == (2, 3, 3)
    assert {"split": None, "judgments": 1} in value["splits"]
    assert "judgments of no split\t1" in molt("judgments", "count", shop).stdout


def test_what_is_exported_can_be_imported_again(molt: Molt, shop: str, tmp_path: Path) -> None:
    assert molt("judgments", "export", shop, str(tmp_path / "set")).status == 0
    assert molt("judgments", "export", shop, str(tmp_path / "a.csv")).status == 0
    assert molt("queries", "export", shop, str(tmp_path / "q-queries.jsonl")).status == 0
    folder = open_source(tmp_path / "set")
    assert list(folder.queries()) == QUERIES
    assert {*folder.judgments()} == {*JUDGED}
    assert list(open_source(tmp_path / "a.csv").judgments()) == JUDGED
    again = molt("judgments", "export", shop, str(tmp_path / "set"))
    assert (again.status, "is there already" in again.stderr) == (1, True)


def test_an_export_of_a_split_has_its_queries_alone(molt: Molt, shop: str, tmp_path: Path) -> None:
    done = molt("--json", "judgments", "export", shop, str(tmp_path / "set"), "--split", "dev")
    assert (done.value["queries"], done.value["judgments"]) == (1, 1)
    assert [one.id for one in open_source(tmp_path / "set").queries()] == ["q2"]


def test_an_export_of_a_source_has_what_was_learnt_from_it_alone(
    molt: Molt, home: Path, shop: str, tmp_path: Path
) -> None:
    learnt = Query(learnt_query_id(CLICKS, "a lamp"), "a lamp")
    judgments = [Judgment(learnt.id, "d3", 2, "train")]
    with closing(open_catalog(home_url(home))) as catalog:
        found = catalog.collections.get(shop)
        catalog.learnt.replace(found, CLICKS, queries=[learnt], judgments=judgments)
    file, folder = tmp_path / "clicks.csv", tmp_path / "set"
    for path in (file, folder):
        done = molt("--json", "judgments", "export", shop, str(path), "--source", CLICKS)
        assert (done.status, done.value["judgments"]) == (0, 1)
        assert list(open_source(path).judgments()) == judgments
    assert list(open_source(folder).queries()) == [learnt]


def test_judgments_are_deleted_only_where_it_is_said_which(molt: Molt, shop: str) -> None:
    refused = molt("judgments", "delete", shop, "--yes")
    assert (refused.status, "--query, --split" in refused.stderr) == (1, True)
    asked = molt("judgments", "delete", shop, "--split", "test", stdin="n\n")
    assert asked.status == 1
    assert molt("--json", "judgments", "count", shop).value["judgments"] == 3
    done = molt("--json", "judgments", "delete", shop, "--split", "test", "--yes")
    assert done.value == {"deleted": 1}
