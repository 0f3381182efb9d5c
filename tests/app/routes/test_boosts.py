"""Boosts over HTTP: scores moved by numbers and by ages, by no more than was asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from molt.engine.search.boosting import AgeBoost, NumberBoost
from molt.index.segments.readings import DAY
from tests.app.serving import serving

NOW = datetime.now(UTC)
DOCUMENTS = [
    {"id": "old", "text": "warm boots", "metadata": {"sales": 900, "at": "2001-01-01"}},
    {"id": "new", "text": "warm boots", "metadata": {"sales": 5, "at": NOW.isoformat()}},
    {"id": "coming", "text": "warm boots", "metadata": {"sales": -4, "at": "2999-01-01"}},
    {"id": "plain", "text": "warm boots"},
    {"id": "month", "text": "warm boots", "metadata": {"at": str(NOW - timedelta(days=30))}},
]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=1e-9, max_value=1e15)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(tmp_path_factory.mktemp("home")) as client:
        client.post("/collections", json={"name": "default"})
        answer = client.post("/collections/default/documents", json={"documents": DOCUMENTS})
        assert answer.json()["indexed"]
        yield client


def boosted(client: TestClient, *boosts: dict[str, Any], **body: object) -> dict[str, Any]:
    answer = client.post("/search", json={"query": "boots", "boosts": boosts} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def gains(answer: dict[str, Any]) -> dict[str, float]:
    return {hit["id"]: hit["scores"]["boost"] for hit in answer["hits"]}


def test_a_number_moves_a_score_by_where_it_stands_to_the_pivot(shop: TestClient) -> None:
    found = boosted(shop, {"field": "sales", "weight": 0.2, "pivot": 300})
    expected = {"old": 0.2 * 0.5, "new": 0.2 * -295 / 305, "coming": -0.2, "plain": 0, "month": 0}
    assert gains(found) == pytest.approx(expected)
    assert [hit["id"] for hit in found["hits"]] == ["old", "plain", "month", "new", "coming"]


def test_an_age_moves_a_score_by_where_it_stands_to_the_half_life(shop: TestClient) -> None:
    found = boosted(shop, {"field": "at", "weight": 0.1, "half_life_days": 30})
    expected = {"old": -0.1, "new": 0.1, "coming": 0.1, "plain": 0, "month": 0}
    assert gains(found) == pytest.approx(expected, abs=1e-4)


def test_boosts_add_up_and_the_score_is_moved_by_their_sum(shop: TestClient) -> None:
    plain = {hit["id"]: hit["score"] for hit in boosted(shop)["hits"]}
    found = boosted(
        shop,
        {"field": "sales", "weight": 0.2, "pivot": 300},
        {"field": "at", "weight": -0.1, "half_life_days": 30},
    )
    for hit in found["hits"]:
        assert hit["score"] == pytest.approx(plain[hit["id"]] + hit["scores"]["boost"])
    assert gains(found)["old"] == pytest.approx(0.1 + 0.1)


def test_a_search_without_boosts_says_nothing_of_them(shop: TestClient) -> None:
    for body in ({}, {"boosts": None}, {"boosts": []}):
        hits = shop.post("/search", json={"query": "boots"} | body).json()["hits"]
        assert all("boost" not in hit["scores"] for hit in hits)


def test_a_page_of_boosted_hits_is_a_part_of_all_of_them(shop: TestClient) -> None:
    boost = {"field": "sales", "weight": 0.2, "pivot": 300}
    whole, part = boosted(shop, boost), boosted(shop, boost, k=2, offset=1)
    assert [hit["id"] for hit in part["hits"]] == [hit["id"] for hit in whole["hits"]][1:3]


def test_what_no_document_has_is_told_and_moves_nothing(shop: TestClient) -> None:
    found = boosted(shop, {"field": "sale", "weight": 0.2, "pivot": 300})
    assert set(gains(found).values()) == {0}
    assert found["warnings"] == ["boosts: no document has a number in 'sale'; it changes nothing"]
    found = boosted(shop, {"field": "sales", "weight": 0.2, "half_life_days": 3})
    assert found["warnings"] == ["boosts: no document has a date in 'sales'; it changes nothing"]


@pytest.mark.parametrize(
    ("boost", "pointer"),
    [
        ({"field": "sales", "weight": 2, "pivot": 1}, "/weight"),
        ({"field": "sales", "weight": 0.1, "pivot": 0}, "/pivot"),
        ({"field": "sales", "weight": 0.1, "pivot": -1}, "/pivot"),
        ({"field": "at", "weight": 0.1, "half_life_days": 0}, "/half_life_days"),
        ({"field": "sales", "weight": 0.1}, ""),
        ({"field": "at", "weight": 0.1, "pivot": 1, "half_life_days": 1}, ""),
        ({"field": "", "weight": 0.1, "pivot": 1}, "/field"),
        ({"weight": 0.1, "pivot": 1}, "/field"),
        ({"field": "sales", "weight": "0.1", "pivot": 1}, "/weight"),
        ({"field": "sales", "weight": 0.1, "pivot": 1, "x": 1}, "/x"),
    ],
)
def test_a_boost_that_makes_no_sense_is_refused_in_its_place(
    shop: TestClient, boost: dict[str, Any], pointer: str
) -> None:
    answer = shop.post("/search", json={"query": "boots", "boosts": [boost]})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/boosts/0{pointer}"]


def test_there_are_not_more_boosts_than_eight(shop: TestClient) -> None:
    boosts = [{"field": "sales", "weight": 0.1, "pivot": 1}] * 9
    assert shop.post("/search", json={"query": "boots", "boosts": boosts}).status_code == 422


@given(values=st.lists(FINITE, min_size=2), pivot=POSITIVE)
def test_the_share_of_a_number_is_bounded_and_grows_with_it(
    values: list[float], pivot: float
) -> None:
    shares = NumberBoost("x", 1.0, pivot).shares(np.sort(values), 0)
    assert (np.abs(shares) <= 1).all()
    assert (np.diff(shares) >= -1e-12).all()


@given(ages=st.lists(st.floats(-1e6, 1e6), min_size=2), half_life=st.floats(1e-3, 1e6))
def test_the_share_of_a_date_is_bounded_and_falls_with_its_age(
    ages: list[float], half_life: float
) -> None:
    moments = -np.sort(ages) * DAY
    shares = AgeBoost("x", 1.0, half_life).shares(moments, 0)
    assert (np.abs(shares) <= 1).all()
    assert (np.diff(shares) <= 1e-12).all()
