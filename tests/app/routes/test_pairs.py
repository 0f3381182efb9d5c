from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.app.serving import serving

PAIRS = "/collections/default/pairs"
JUDGMENTS = "/collections/default/judgments"
GIVEN = [
    {"query": "boots", "positive": "a boot", "negative": "a tent"},
    {"query": "boots", "doc_id": 7, "negative": "a tent", "split": "valid"},
    {"query": "tent", "positive": "a tent", "score": 1},
    {"query": "tent", "positive": "a boot", "score": 0.25, "negative": None},
    {"query": "tent", "positive": "a tent"},
]


@pytest.fixture
def paired(client: TestClient) -> TestClient:
    client.post("/collections", json={"name": "default"})
    answer = client.post(JUDGMENTS, json={"pairs": GIVEN, "split": "train"})
    assert answer.json() == {"accepted": 5, "queries": 0, "judgments": 0, "pairs": 5}
    return client


def test_pairs_are_paged_to_the_last_one(paired: TestClient) -> None:
    found, after = [], {}
    while True:
        page = paired.get(PAIRS, params={"limit": 2} | after).json()
        found += page["pairs"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [one["id"] for one in found] == sorted(one["id"] for one in found)
    assert len(found) == 5
    assert found[0].keys() == {
        "id", "query", "positive", "doc_id", "negative", "score", "split"
    }  # fmt: skip
    assert {one["split"] for one in found if one["doc_id"] == "7"} == {"dev"}
    assert [one["split"] for one in found].count("train") == 4


def test_a_page_of_large_pairs_ends_early_and_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_answer_bytes": 70_000}) as client:
        client.post("/collections", json={"name": "default"})
        pairs = [{"query": f"q{n}", "positive": "x" * 30_000} for n in range(5)]
        assert client.post(JUDGMENTS, json={"pairs": pairs}).status_code == 200
        pages, after = [], {}
        while True:
            page = client.get(PAIRS, params=after).json()
            pages.append([one["query"] for one in page["pairs"]])
            if page["next"] is None:
                break
            after = {"after": page["next"]}
    assert max(map(len, pages)) <= 3
    assert sorted(query for page in pages for query in page) == [f"q{n}" for n in range(5)]


def test_pairs_are_chosen_by_query_kind_and_split(paired: TestClient) -> None:
    def chosen(**how: str) -> int:
        return len(paired.get(PAIRS, params=how).json()["pairs"])

    assert chosen(query="boots") == 2
    assert (chosen(kind="contrast"), chosen(kind="scored"), chosen(kind="positive")) == (2, 2, 1)
    assert (chosen(split="VALIDATION"), chosen(split="none")) == (1, 0)
    assert chosen(kind="scored", split="dev") == 0


def test_pairs_are_deleted_by_id_and_by_what_they_say(paired: TestClient) -> None:
    first = paired.get(PAIRS, params={"limit": 1}).json()["pairs"][0]
    assert paired.delete(PAIRS, params={"id": first["id"]}).json() == {"deleted": 1}
    assert paired.delete(PAIRS, params={"id": first["id"]}).json() == {"deleted": 0}
    left = len(paired.get(PAIRS, params={"query": "tent"}).json()["pairs"])
    assert paired.delete(PAIRS, params={"query": "tent"}).json() == {"deleted": left}


def test_pairs_are_counted_by_their_kind(paired: TestClient) -> None:
    counts = paired.get(f"{JUDGMENTS}/counts").json()
    assert counts["pairs"] == 5
    assert counts["pair_kinds"] == {"positive": 1, "contrast": 2, "scored": 2}


def test_deleting_without_saying_what_deletes_no_pair(paired: TestClient) -> None:
    answer = paired.delete(PAIRS)
    assert answer.status_code == 422
    assert "an id, a query, a kind, a split" in answer.json()["detail"]
    assert len(paired.get(PAIRS).json()["pairs"]) == 5


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({"query": "a", "positive": "b", "score": 1.5}, "score"),
        ({"query": "a", "positive": "b", "score": -0.5}, "score"),
        ({"query": "a", "positive": "b", "score": "1"}, "score"),
        ({"query": "a", "positive": "b", "negative": "c", "score": 1}, "give one of them"),
        ({"query": "a", "negative": "c"}, "positive is missing"),
        ({"query": "a", "positive": "b", "negative": " "}, "negative"),
    ],
)
def test_a_pair_that_says_no_such_thing_is_refused(
    paired: TestClient, pair: dict[str, object], said: str
) -> None:
    answer = paired.post(JUDGMENTS, json={"pairs": [pair]})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("how", [{"kind": "triplet"}, {"after": "x"}, {"limit": "0"}])
def test_a_list_of_no_such_pairs_is_refused(paired: TestClient, how: dict[str, str]) -> None:
    answer = paired.get(PAIRS, params=how)
    assert answer.status_code == 422
    assert "PairKind" not in answer.text


def test_judgments_that_name_no_split_have_the_one_beside_the_list(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    judgments = [
        {"query_id": "q", "doc_id": "a", "grade": 1},
        {"query_id": "q", "doc_id": "b", "grade": 1, "split": "dev"},
    ]
    client.post(JUDGMENTS, json={"judgments": judgments, "split": "test"})
    found = client.get(JUDGMENTS).json()["judgments"]
    assert [one["split"] for one in found] == ["test", "dev"]


def test_a_query_that_is_too_long_to_be_kept_names_no_pairs(client: TestClient) -> None:
    client.post("/collections", json={"name": "books"})
    for ask in (client.get, client.delete):
        answer = ask("/collections/books/pairs", params={"query": "x" * 10_000})
        assert answer.status_code == 422
        assert "max_query_chars" in answer.text
