import re
from collections.abc import Iterator
from html import unescape

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.access.keys import Role
from molt.index.catalog.judgments import Judgment, Query
from tests.app.pages.conftest import HOSTILE, Person, token_in
from tests.app.serving import BOOTS, service_of, serving
from tests.judged_reports import REPORT, keep_report

QUERIES = [Query("q1", "warm boots", {"source": "log"}), Query("q2", "wool socks")]


@pytest.fixture
def jury(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Two queries over three documents; of the first all are judged but one."""
    with serving(tmp_path_factory.mktemp("jury")) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": BOOTS})
        engine = service_of(client).engine
        judgments = [Judgment("q1", "d1", 2, "train"), Judgment("q1", "d2", 0, "train")]
        collection = engine.catalog.collections.get("default")
        engine.catalog.judgments.put(collection, queries=QUERIES, judgments=judgments)
        client.headers["X-Molt-Token"] = token_in(client.get("/judge").text)
        yield client


def judged(client: TestClient) -> dict[tuple[str, str], tuple[int, str | None]]:
    engine = service_of(client).engine
    kept = engine.catalog.judgments.graded(engine.catalog.collections.get("default"))
    return {(one.query_id, one.doc_id): (one.grade, one.split) for one in kept}


def split_of(client: TestClient, query_id: str, split: str | None) -> None:
    """Have all judgments of a query name this split."""
    engine = service_of(client).engine
    collection = engine.catalog.collections.get("default")
    judgments = [Judgment(query_id, doc_id, 2, split) for doc_id in ("d1", "d2")]
    engine.catalog.judgments.put(
        collection, queries=[Query(query_id, f"the {query_id}")], judgments=judgments
    )


def grade(client: TestClient, **fields: str) -> int:
    form = {"query_id": "q1", "q": "warm boots", "collection": "default", "doc_id": "d3"}
    return client.post("/judge", data=form | {"grade": "3"} | fields).status_code


def test_the_query_with_the_fewest_judged_documents_comes_first(jury: TestClient) -> None:
    page = jury.get("/judge").text
    shown = re.findall(r"<span>([^<]+)</span><span[^>]*>(\d+)/(\d+)</span>", page)
    assert shown == [("wool socks", "0", "3"), ("warm boots", "2", "3")]
    assert 'value="q2"' in page
    other = jury.get("/judge?query=q1").text
    assert 'value="q1"' in other
    assert other.count('aria-pressed="true"') == 2


def test_who_grades_is_not_told_what_found_a_document(jury: TestClient) -> None:
    hits = re.search(r'<ol class="hits">.*?</ol>', jury.get("/judge").text, re.DOTALL)
    assert hits is not None
    assert not re.search(r"0\.\d\d\d|meaning|lexical|rank", hits[0])


def test_a_grade_is_a_judgment_in_the_split_of_its_query(jury: TestClient) -> None:
    assert grade(jury) == 200
    assert judged(jury)["q1", "d3"] == (3, "train")
    assert grade(jury, doc_id="d1", grade="1") == 200
    assert judged(jury)["q1", "d1"] == (1, "train")


def test_a_query_that_was_imported_stays_as_it_is(jury: TestClient) -> None:
    grade(jury, q="other words")
    engine = service_of(jury).engine
    collection = engine.catalog.collections.get("default")
    assert engine.catalog.judgments.queries(collection) == QUERIES


def test_a_query_that_is_typed_is_kept_with_its_first_grade(jury: TestClient) -> None:
    page = jury.get("/judge", params={"q": HOSTILE}).text
    assert "<script>alert" not in page
    found = re.search(r'name="query_id" value="(typed-\w+)"', page)
    assert found is not None
    assert grade(jury, query_id=found[1], q=HOSTILE, doc_id="d1") == 200
    engine = service_of(jury).engine
    texts = [one.text for one in engine.catalog.judgments.queries(
        engine.catalog.collections.get("default")
    )]  # fmt: skip
    assert HOSTILE in texts
    assert judged(jury)[found[1], "d1"] == (3, None)
    assert unescape(HOSTILE) in unescape(jury.get("/judge").text)


@pytest.mark.parametrize(
    "fields",
    [
        {"grade": "4"},
        {"grade": "-1"},
        {"grade": "x"},
        {"doc_id": ""},
        {"q": " "},
        {"q": "x" * 9000},
    ],
)
def test_a_grade_that_cannot_be_is_refused(jury: TestClient, fields: dict[str, str]) -> None:
    before = judged(jury)
    assert grade(jury, **fields) == 422
    assert judged(jury) == before


def test_judging_is_for_who_may_write(person: Person) -> None:
    assert person(Role.WRITE).get("/judge").status_code == 200
    assert person(Role.READ).get("/judge").status_code == 403
    assert 'href="/judge"' not in person(Role.READ).get("/").text


def test_where_there_is_nothing_to_judge_the_page_says_what_to_do(desk: TestClient) -> None:
    desk.post("/collections", json={"name": "bare"})
    assert "has no queries" in desk.get("/judge?collection=bare").text
    assert desk.get("/judge?collection=ghost").status_code == 404


@pytest.fixture
def reported(jury: TestClient) -> TestClient:
    """The same, after the gate judged a candidate: of two queries it says to judge them first."""
    service = service_of(jury)
    listed = {"q2": ("wool socks", ["d3", "gone", "d1"]), "q9": ("tea", ["d2"])}
    keep_report(service.settings.home, service.engine.catalog, "default", **listed)
    return jury


def test_a_report_s_queries_come_in_its_order_with_the_documents_of_both_encoders(
    reported: TestClient,
) -> None:
    page = reported.get(f"/judge?report={REPORT}").text
    shown = re.findall(r"<span>([^<]+)</span><span[^>]*>(\d+)/(\d+)</span>", page)
    assert shown == [("wool socks", "0", "2"), ("tea", "0", "1")]
    assert re.findall(r'data-hit="(\w+)"', page) == ["d3", "d1"]
    assert f"query=q9&report={REPORT}" in unescape(page)


def test_grades_for_a_report_s_queries_are_kept_in_test(reported: TestClient) -> None:
    split_of(reported, "q3", "test")
    assert grade(reported, query_id="q2", q="wool socks", report=REPORT) == 200
    assert grade(reported, query_id="q1", report=REPORT) == 200
    kept = judged(reported)
    assert (kept["q2", "d3"], kept["q1", "d3"]) == ((3, "test"), (3, "train"))


@pytest.mark.parametrize(("named", "split"), [("train", None), ("dev", "test"), (None, "test")])
def test_the_first_grade_that_is_to_judge_takes_the_place_of_no_test_that_is_drawn(
    reported: TestClient, named: str | None, split: str | None
) -> None:
    for query_id in ("q1", "q3"):
        split_of(reported, query_id, named)
    assert grade(reported, query_id="q2", q="wool socks", report=REPORT) == 200
    assert judged(reported)["q2", "d3"] == (3, split)


def test_the_page_leads_to_the_queries_of_the_latest_report(reported: TestClient) -> None:
    assert f"/judge?collection=default&report={REPORT}" in unescape(reported.get("/judge").text)


def test_a_report_without_such_queries_or_of_another_collection_shows_none(
    reported: TestClient,
) -> None:
    reported.post("/collections", json={"name": "other"})
    page = reported.get(f"/judge?collection=other&report={REPORT}").text
    assert "names no query of other that nobody has judged" in page
    assert reported.get(f"/judge?report={'0' * 16}").status_code == 404
