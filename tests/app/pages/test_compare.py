import re
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt.app.pages.compare.columns import ColumnChoice, compared
from molt.index.catalog.access.keys import Role
from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.pages.conftest import HOSTILE, Person
from tests.app.serving import BOOTS, service_of, serving
from tests.cross_encoders import accepted_cross_encoder
from tests.generations import make_generation

COLUMN = re.compile(r'<section class="column".*?</section>', re.DOTALL)
DOCUMENT = re.compile(r'data-doc="([^"]*)" data-move="(\w+)"')


def columns(page: str) -> list[list[tuple[str, str]]]:
    return [
        [(unescape(doc_id), move) for doc_id, move in DOCUMENT.findall(column)]
        for column in COLUMN.findall(page)
    ]


def test_each_column_ranks_as_the_api_does(desk: TestClient) -> None:
    modes = ["lexical", "dense", "hybrid"]
    page = desk.get("/compare", params={"q": "warm boots", "c": modes}).text
    for mode, shown in zip(modes, columns(page), strict=True):
        answer = desk.post("/search", json={"query": "warm boots", "mode": mode}).json()
        assert [doc_id for doc_id, _ in shown] == [hit["id"] for hit in answer["hits"]]


def test_what_moved_from_the_first_column_is_told(desk: TestClient) -> None:
    page = desk.get("/compare", params={"q": "warm boots", "c": ["dense", "lexical"]}).text
    first, second = columns(page)
    ranks = {doc_id: rank for rank, (doc_id, _) in enumerate(first)}
    assert {move for _, move in first} == {"first"}
    for rank, (doc_id, move) in enumerate(second):
        if doc_id not in ranks:
            assert move == "new"
        else:
            by = ranks[doc_id] - rank
            assert move == ("up" if by > 0 else "down" if by else "same")


def test_hostile_texts_do_nothing_in_a_comparison(desk: TestClient) -> None:
    page = desk.get("/compare", params={"q": f"boots {HOSTILE}"}).text
    assert "<script>alert" not in page
    assert HOSTILE in [doc_id for doc_id, _ in columns(page)[0]]


def test_a_generation_that_does_not_serve_has_a_column_for_administrators(
    keyed: TestClient, person: Person
) -> None:
    engine = service_of(keyed).engine
    other = make_generation(engine, "default")
    asked = {"q": "warm boots", "c": ["dense", f"dense@{other}"]}
    admin, reader = person(Role.ADMIN), person(Role.READ)
    page = admin.get("/compare", params=asked)
    assert page.status_code == 200, page.text
    assert other[:8] in COLUMN.findall(page.text)[1]
    assert reader.get("/compare", params=asked).status_code == 403
    assert other not in reader.get("/compare", params={"q": "boots"}).text
    asked["c"] = [f"dense@{'0' * 32}"]
    assert admin.get("/compare", params=asked).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["q=boots&c=psychic", "q=boots&c=dense.oracle", "c=1&c=2&c=3&c=4&c=5", "q=boots&x=1", "q=%FF"],
)
def test_a_comparison_that_cannot_be_is_refused(desk: TestClient, query: str) -> None:
    assert desk.get(f"/compare?{query}").status_code == 422


@pytest.mark.parametrize(
    "written",
    ["dense", "lexical.tokens", "hybrid@abc", "dense.tokens@abc", "dense.cross-encoder@abc"],
)
def test_a_column_is_the_same_when_it_is_read_from_its_url(written: str) -> None:
    assert ColumnChoice.read(written).written == written


def test_a_cross_encoder_is_offered_where_the_collection_has_one(tmp_path: Path) -> None:
    asked = {"q": "warm", "c": ["dense", "dense.cross-encoder"]}
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        zoo = {"id": "zoo", "text": "zzz warm and seven more words of other things"}
        client.post("/collections/default/documents", json={"documents": [*BOOTS, zoo]})
        assert "by cross-encoder" not in client.get("/compare", params={"q": "warm"}).text
        plain = client.get("/", params={"q": "warm"}).text
        assert "by tokens" in plain
        assert "by cross-encoder" not in plain
        refused = client.get("/compare", params=asked)
        assert refused.status_code == 422
        assert "molt train default --kind cross-encoder" in refused.text
        accepted_cross_encoder(tmp_path / "checkpoints", collection="default", weight=9.0)
        assert "by cross-encoder" in client.get("/", params={"q": "warm"}).text
        page = client.get("/compare", params=asked).text
        assert "Meaning, re-ranked by cross-encoder" in page
        first, second = columns(page)
        assert first[0][0] != "zoo"
        assert second[0][0] == "zoo"
        ranked = client.get("/", params={"q": "warm", "rerank": "cross-encoder"}).text
        assert re.search(r"<span>re-ranked \d", ranked)


def test_columns_that_are_empty_are_none(desk: TestClient) -> None:
    page = desk.get("/compare?q=boots&c=dense&c=&c=&c=").text
    assert len(columns(page)) == 1
    assert columns(desk.get("/compare?q=boots&c=").text) == []


def test_a_column_is_re_ranked_where_its_title_says_so_however_the_collection_is_tuned(
    desk: TestClient,
) -> None:
    service = service_of(desk)
    ranking = SearchRanking(rerank=Reranking(RerankKind.TOKENS, depth=2, weight=0.3))
    before = service.engine.catalog.collections.get("default")
    service.engine.releaser.retune(before, ranking, reason=Reason())
    chosen = [ColumnChoice("hybrid"), ColumnChoice("hybrid", RerankKind.TOKENS)]
    found = compared(service, chosen, text="warm boots", collection="default")
    service.engine.releaser.rollback("default", reason=Reason())
    plain, again = (column.answer["search"]["rerank"] for column in found)
    assert plain is None
    assert again is not None


def why_links(page: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="(/compare/why[^"]*)"', page)]


def test_every_document_that_moved_leads_to_why_it_did(desk: TestClient) -> None:
    asked = {"q": "warm boots", "c": ["dense", "lexical"]}
    page = desk.get("/compare", params=asked).text
    first, second = columns(page)
    moved = [doc_id for doc_id, move in second if move in {"up", "down", "new"}]
    left = {doc_id for doc_id, _ in first} - {doc_id for doc_id, _ in second}
    links = why_links(page)
    assert left
    assert len(links) == len(moved) + len(left)
    for link in links:
        shown = desk.get(link)
        assert shown.status_code == 200, shown.text
        assert "Why it moved" in shown.text
        assert "<script>alert" not in shown.text


def test_why_a_document_moved_is_told_by_its_words(keyed: TestClient, person: Person) -> None:
    engine = service_of(keyed).engine
    other = make_generation(engine, "default")
    asked = {
        "q": "warm boots",
        "collection": "default",
        "id": "d1",
        "c": [f"hybrid@{other}", "hybrid"],
    }
    admin, reader = person(Role.ADMIN), person(Role.READ)
    shown = admin.get("/compare/why", params=asked)
    assert shown.status_code == 200, shown.text
    assert "exactly the sum over the words" in shown.text
    for word in ("boots", "waterproof"):
        assert f"<bdi>{word}</bdi>" in shown.text
    assert other[:8] in shown.text
    assert reader.get("/compare/why", params=asked).status_code == 403
    assert admin.get("/compare/why", params=asked | {"id": "nobody"}).status_code == 404
    assert reader.get("/compare/why", params=asked | {"c": ["dense", "lexical"]}).status_code == 200


@pytest.mark.parametrize("c", [["dense"], ["dense", ""], ["dense", "psychic"], ["dense"] * 3])
def test_why_is_told_between_two_columns_and_no_others(desk: TestClient, c: list[str]) -> None:
    asked = {"q": "boots", "collection": "default", "id": "d1", "c": c}
    assert desk.get("/compare/why", params=asked).status_code == 422
