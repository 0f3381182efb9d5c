from starlette.testclient import TestClient

JUDGMENTS = "/collections/default/judgments"


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
