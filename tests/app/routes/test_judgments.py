from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.judging.learnt import CLICKS, learnt_query_id
from molt.index.catalog.judgments import Judgment, Query
from tests.app.serving import service_of, serving

JUDGMENTS = "/collections/default/judgments"
QUERIES = "/collections/default/queries"


def test_queries_judgments_and_pairs_are_kept_and_counted(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    body = {
        "queries": [{"id": "q1", "text": "warm boots"}],
        "judgments": [
            {"query_id": "q1", "doc_id": "d1", "grade": 2, "split": "test"},
            {"query_id": "q1", "doc_id": "d2", "grade": 0},
        ],
        "pairs": [{"query": "boots", "doc_id": "d1"}, {"query": "tent", "positive": "a tent"}],
    }
    answer = client.post(JUDGMENTS, json=body)
    assert answer.json() == {"accepted": 5, "queries": 1, "judgments": 2, "pairs": 2}


def test_a_second_grade_replaces_the_first(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    for grade in (1, 2):
        judgment = {"query_id": "q1", "doc_id": "d1", "grade": grade}
        answer = client.post(JUDGMENTS, json={"judgments": [judgment]})
    assert answer.json()["judgments"] == 1


def test_a_pair_needs_something_that_answers(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    answer = client.post(JUDGMENTS, json={"pairs": [{"query": "boots"}]})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:molt:problem:invalid_judgment"


@pytest.fixture
def judged(client: TestClient) -> TestClient:
    client.post("/collections", json={"name": "default"})
    body = {
        "queries": [{"id": "q 1", "text": "warm boots"}, {"id": "q2", "text": "tent"}],
        "judgments": [
            {"query_id": "q 1", "doc_id": f"d{at}", "grade": at, "split": split}
            for at, split in enumerate(("Train", "test", None))
        ],
    }
    assert client.post(JUDGMENTS, json=body).status_code == 200
    return client


def test_judgments_are_paged_to_the_last_one(judged: TestClient) -> None:
    found, after = [], {}
    while True:
        page = judged.get(JUDGMENTS, params={"limit": 2} | after).json()
        found += page["judgments"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [(one["doc_id"], one["grade"], one["split"]) for one in found] == [
        ("d0", 0, "train"), ("d1", 1, "test"), ("d2", 2, None),
    ]  # fmt: skip


def test_judgments_and_queries_are_filtered_by_split(judged: TestClient) -> None:
    page = judged.get(JUDGMENTS, params={"split": "TRAIN", "query": "q 1"}).json()
    assert [one["doc_id"] for one in page["judgments"]] == ["d0"]
    assert judged.get(JUDGMENTS, params={"split": "none"}).json()["judgments"][0]["doc_id"] == "d2"
    assert judged.get(JUDGMENTS, params={"query": "q2"}).json() == {"judgments": [], "next": None}
    assert [one["id"] for one in judged.get(QUERIES).json()["queries"]] == ["q 1", "q2"]
    page = judged.get(QUERIES, params={"split": "test"}).json()
    assert page["queries"] == [{"id": "q 1", "text": "warm boots", "metadata": {}}]
    assert judged.get(QUERIES, params={"limit": 1}).json()["next"] == "q 1"


def test_what_is_kept_is_counted_with_what_names_nothing(judged: TestClient) -> None:
    counts = judged.get(f"{JUDGMENTS}/counts").json()
    assert counts == {
        "queries": 2,
        "judgments": 3,
        "pairs": 0,
        "pair_kinds": {"positive": 0, "contrast": 0, "scored": 0},
        "splits": [
            {"split": None, "judgments": 1},
            {"split": "test", "judgments": 1},
            {"split": "train", "judgments": 1},
        ],
        "unknown_queries": 0,
        "unknown_documents": 3,
    }


def test_judgments_are_deleted_by_split_and_a_query_with_its_judgments(judged: TestClient) -> None:
    assert judged.delete(JUDGMENTS, params={"split": "train"}).json() == {"deleted": 1}
    assert judged.delete(QUERIES, params={"id": "q 1"}).json() == {"deleted": 1, "judgments": 2}
    assert judged.get(JUDGMENTS).json()["judgments"] == []


def test_deleting_without_saying_what_deletes_nothing(judged: TestClient) -> None:
    answer = judged.delete(JUDGMENTS)
    assert answer.status_code == 422
    assert "a query, a split, a source, or several" in answer.json()["detail"]
    assert len(judged.get(JUDGMENTS).json()["judgments"]) == 3


@pytest.mark.parametrize("after", ["x", "WyJhIl0", "W10", "e30", "bnVsbA", "é", "WzEsMl0"])
def test_a_place_where_no_page_ended_is_refused(judged: TestClient, after: str) -> None:
    answer = judged.get(JUDGMENTS, params={"after": after})
    assert answer.status_code == 422
    assert "the `next` of the page before" in answer.json()["detail"]


@pytest.mark.parametrize("grade", ["score", "relevance", "label"])
def test_a_record_of_qrels_is_taken_as_a_file_has_it(client: TestClient, grade: str) -> None:
    client.post("/collections", json={"name": "default"})
    record = {"query-id": 1, "corpus-id": "d1", grade: 2.0}
    assert client.post(JUDGMENTS, json={"judgments": [record]}).status_code == 200
    (kept,) = client.get(JUDGMENTS).json()["judgments"]
    assert kept == {"query_id": "1", "doc_id": "d1", "grade": 2, "split": None}


def test_a_page_of_large_queries_ends_early_and_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_answer_bytes": 70_000}) as client:
        client.post("/collections", json={"name": "default"})
        queries = [{"id": f"q{n:02}", "text": "x" * 7_000} for n in range(25)]
        assert client.post(JUDGMENTS, json={"queries": queries}).status_code == 200
        pages, after = [], {}
        while True:
            page = client.get(QUERIES, params=after).json()
            pages.append([one["id"] for one in page["queries"]])
            if page["next"] is None:
                break
            after = {"after": page["next"]}
    assert max(map(len, pages)) <= 11
    assert [one for page in pages for one in page] == [f"q{n:02}" for n in range(25)]


def test_what_was_learnt_is_listed_and_deleted_by_its_source(judged: TestClient) -> None:
    catalog = service_of(judged).engine.catalog
    learnt = learnt_query_id(CLICKS, "warm boots")
    catalog.learnt.replace(
        catalog.collections.get("default"),
        CLICKS,
        queries=[Query(learnt, "warm boots")],
        judgments=[Judgment(learnt, "d9", 2, "train")],
    )
    page = judged.get(JUDGMENTS, params={"source": "clicks"}).json()
    assert [one["doc_id"] for one in page["judgments"]] == ["d9"]
    assert judged.delete(JUDGMENTS, params={"source": "clicks"}).json() == {"deleted": 1}
    assert len(judged.get(JUDGMENTS).json()["judgments"]) == 3
