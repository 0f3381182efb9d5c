import re
from html import unescape
from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from molt.app.http.admission import Bulkhead
from molt.app.pages.judge.grading import judged_query_id
from molt.app.pages.search.state import FieldFilter, SearchState
from molt.index.catalog.access.keys import Role
from molt.index.catalog.judging.pages import Selection
from tests.app.pages.conftest import HOSTILE, Person, token_in
from tests.app.serving import service_of

HIT = re.compile(r'data-hit="([^"]*)"')
EXCERPT = re.compile(r'<p class="text">(.*?)</p>')
LINK = re.compile(r'<a[^>]* href="(/\?[^"]*)"')


def hits(page: str) -> list[str]:
    return [unescape(one) for one in HIT.findall(page)]


def links(page: str) -> list[str]:
    return [unescape(one) for one in LINK.findall(page)]


def found(client: TestClient, **asked: Any) -> str:
    answer = client.get("/", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_what_the_api_finds_is_shown_in_its_order(desk: TestClient, mode: str) -> None:
    body = {"query": "warm boots", "mode": mode}
    expected = [hit["id"] for hit in desk.post("/search", json=body).json()["hits"]]
    assert expected
    assert hits(found(desk, q="warm boots", mode=mode)) == expected


def test_a_part_of_the_page_is_sent_where_that_is_asked_for(desk: TestClient) -> None:
    part = desk.get("/?q=boots", headers={"HX-Request": "true", "HX-Target": "results"}).text
    assert "<html" not in part
    assert hits(part) == hits(found(desk, q="boots"))


def test_hostile_texts_are_shown_and_do_nothing(desk: TestClient) -> None:
    page = found(desk, q=f"boots {HOSTILE}", f=[f"brand:{HOSTILE}"])
    assert HOSTILE in hits(page)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_excerpt_is_shown_as_it_was_written_but_for_its_marks(desk: TestClient) -> None:
    desk.post("/collections", json={"name": "quoted"})
    text = "What's <b>new</b>: fish & chips, boots"
    documents = [{"id": "marked", "text": text}, {"id": "plain", "title": "boots", "text": text}]
    desk.post("/collections/quoted/documents", json={"documents": documents})
    page = found(desk, q="boots", collection="quoted")
    (excerpt, *_) = EXCERPT.findall(page)
    assert excerpt.count("<") == excerpt.count("<mark>") + excerpt.count("</mark>") > 0
    assert unescape(re.sub("</?mark>", "", excerpt)) == text


def test_a_search_that_marks_what_it_shows_waits_where_it_keeps_no_plain_one_waiting(
    desk: TestClient,
) -> None:
    admission = service_of(desk).bulkheads[Bulkhead.RERANKS]
    with patch.object(admission, "pending", 10_000):
        assert desk.get("/").status_code == 200
        assert desk.get("/", params={"q": "boots"}).status_code == 429
        assert desk.get("/search", params={"q": "boots", "highlight": True}).status_code == 429
        assert desk.get("/search", params={"q": "boots"}).status_code == 200


def test_marks_stand_in_the_title_or_in_the_text_and_signs_as_they_were_written(
    client: TestClient,
) -> None:
    client.post("/collections", json={"name": "default"})
    documents = [
        {"id": "a", "title": "Tents & <b>poles</b>", "text": "For <i>two</i> & more."},
        {"id": "b", "title": "Camp", "text": "A tent & a <mark>stove</mark>."},
    ]
    client.post("/collections/default/documents", json={"documents": documents})
    page = found(client, q="tent", mode="lexical", collection="default")
    assert "<h2><mark>Tents</mark> &amp; &lt;b&gt;poles&lt;/b&gt;</h2>" in page
    assert '<p class="text">For &lt;i&gt;two&lt;/i&gt; &amp; more.</p>' in page
    assert "A <mark>tent</mark> &amp; a &lt;mark&gt;stove&lt;/mark&gt;." in page


def test_a_facet_is_a_link_that_filters_and_takes_the_filter_back(desk: TestClient) -> None:
    page = found(desk, q="boots", mode="dense")
    (chosen,) = [one for one in links(page) if "f=brand" in one]
    filtered = desk.get(chosen).text
    assert set(hits(filtered)) == {HOSTILE, "again"}
    assert any("f=" not in one for one in links(filtered))


def test_a_hybrid_search_has_the_facets_of_all_that_it_ranks(desk: TestClient) -> None:
    assert [one for one in links(found(desk, q="boots", mode="hybrid")) if "f=brand" in one]


def test_facets_of_a_search_by_words_count_what_has_them(desk: TestClient) -> None:
    assert 'class="facets"' in found(desk, q="boots", mode="lexical")
    assert 'class="facets"' not in found(desk, q="qwertyuiop", mode="lexical")


def test_documents_can_be_ordered_by_a_field(desk: TestClient) -> None:
    assert hits(found(desk, q="warm", mode="dense", sort="price:desc"))[:3] == ["d3", "d1", "d2"]


def test_pages_follow_each_other_by_their_links(desk: TestClient) -> None:
    desk.post("/collections", json={"name": "many"})
    documents = [{"id": f"n{i}", "text": f"boots {i}"} for i in range(25)]
    desk.post("/collections/many/documents", json={"documents": documents})
    url, seen = "/?q=boots&mode=dense&collection=many", []
    while url:
        page = desk.get(url).text
        seen += hits(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        url = unescape(following[1]) if following else ""
    assert sorted(seen) == sorted(one["id"] for one in documents)


def test_a_thumb_becomes_a_judgment_of_the_query(desk: TestClient) -> None:
    engine = service_of(desk).engine
    token = token_in(found(desk))
    for thumb, grade in (("up", 1), ("down", 0)):
        form = {"q": "Warm socks", "collection": "default", "doc_id": "d2", "thumb": thumb}
        answer = desk.post("/thumbs", data=form | {"token": token})
        assert answer.status_code == 200
        collection = engine.catalog.collections.get("default")
        chosen = Selection(judged_query_id("warm socks "))
        (kept,) = engine.catalog.judged.judgments(collection, chosen, limit=9)
        assert (kept.doc_id, kept.grade) == ("d2", grade)
    shown = found(desk, q="warm socks")
    pressed = re.findall(r'value="d2">.*?pressed="(\w+)".*?pressed="(\w+)"', shown, re.DOTALL)
    assert pressed == [("false", "true")]


@pytest.mark.parametrize("fields", [{"q": "x" * 9000}, {"q": " "}, {"doc_id": ""}, {"thumb": "?"}])
def test_a_thumb_that_cannot_be_is_refused(desk: TestClient, fields: dict[str, str]) -> None:
    form = {"q": "boots", "collection": "default", "doc_id": "d1", "thumb": "up"}
    form |= {"token": token_in(found(desk))} | fields
    assert desk.post("/thumbs", data=form).status_code == 422


def test_who_may_only_read_is_offered_no_thumbs_and_may_give_none(person: Person) -> None:
    reader, writer = person(Role.READ), person(Role.WRITE)
    assert "/thumbs" not in found(reader, q="boots")
    assert "/thumbs" in found(writer, q="boots")
    form = {"q": "boots", "collection": "default", "doc_id": "d1", "thumb": "up"}
    form["token"] = token_in(found(reader))
    assert reader.post("/thumbs", data=form).status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=boots&mode=psychic", 422),
        ("q=boots&unknown=1", 422),
        ("q=boots&cursor=nonsense", 422),
        ("q=boots&collection=ghost", 404),
        ("q=boots&f=", 422),
        ("q=boots&f=price:{}", 200),
        ("q=%FF", 422),
        ("q=boots%00", 422),
        ("q=%E2%80%8B", 200),
        ("q=" + "x" * 9000, 422),
    ],
)
def test_what_cannot_be_asked_is_told_on_a_page(desk: TestClient, query: str, status: int) -> None:
    answer = desk.get(f"/?{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "value", ["acme", "12", "true", 12, 1.5, True, '"quoted"', {"gte": 1, "lt": 5}, "a:b", "", "{}"]
)
def test_a_filter_is_the_same_when_it_is_read_from_its_url(value: Any) -> None:
    one = FieldFilter.of("field", value)
    read = FieldFilter.read(one.written)
    assert read == one
    expected = value if isinstance(value, dict) else {"eq": value}
    assert read.condition == {"field": "field"} | expected


def test_values_of_one_field_are_alternatives_and_a_range_replaces_another() -> None:
    acme, zeta = FieldFilter.of("brand", "acme"), FieldFilter.of("brand", "zeta")
    low, high = FieldFilter.of("price", {"lt": 5}), FieldFilter.of("price", {"gte": 5})
    state = SearchState().toggled(acme).toggled(zeta).toggled(low).toggled(high)
    assert state.filters == (acme, zeta, high)
    assert state.filter == {"all": [{"any": [acme.condition, zeta.condition]}, high.condition]}
    assert state.toggled(acme).filters == (zeta, high)
