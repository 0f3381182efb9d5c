"""`molt explain`."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.settings import load_settings
from tests.cli.conftest import Molt
from tests.generations import make_generation
from tests.hashing import HashingEncoder

ROWS = [
    {"id": "a", "title": "Boots", "text": "warm waterproof boots", "price": 90},
    {"id": "b", "title": "", "text": "light beach sandals", "price": 20},
]
MOVING = "wet feet"
"""A query for which the two documents stand the other way round by another encoder."""


@pytest.fixture
def shop(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert molt("import", "shop", str(path)).status == 0


@pytest.mark.usefixtures("shop")
def test_the_best_hit_is_explained_where_none_is_named(molt: Molt) -> None:
    found = molt("--json", "explain", "shop", "waterproof boots").value
    assert (found["query"], found["document"]["id"]) == ("waterproof boots", "a")
    best = molt("--json", "search", "shop", "waterproof boots", "-k", "1").value["hits"][0]
    assert found["document"]["score"] == pytest.approx(best["score"])
    assert sum(found["document"]["explanation"]["parts"].values()) == pytest.approx(best["score"])


@pytest.mark.usefixtures("shop")
def test_a_table_has_the_words_of_both_sides(molt: Molt) -> None:
    for mode, told in (("dense", "waterproof ~ waterproof"), ("hybrid", "waterproof (in 1)")):
        shown = molt("explain", "shop", "waterproof boots", "a", "--mode", mode)
        assert shown.status == 0
        assert told in shown.stdout
        assert shown.stdout.splitlines()[0].split("\t") == [
            *("document", "rank", "part", "what", "score")
        ]


@pytest.mark.usefixtures("shop")
def test_what_keeps_a_document_from_the_hits_is_said(molt: Molt) -> None:
    late = molt("explain", "shop", "waterproof boots", "b", "-k", "1")
    assert "Note: it comes 2: its score is" in late.stderr
    kept = '{"field": "price", "gt": 50}'
    left = molt("explain", "shop", "waterproof boots", "b", "--filter", kept)
    assert "Note: the filter leaves it out." in left.stderr


@pytest.mark.usefixtures("shop")
def test_it_is_ranked_again_as_a_search_is(molt: Molt) -> None:
    again = ("--mode", "dense", "--rerank", "tokens", "--rerank-depth", "1")
    hits = molt("--json", "search", "shop", "waterproof boots", *again).value["hits"]
    for hit in hits:
        found = molt("--json", "explain", "shop", "waterproof boots", hit["id"], *again).value
        standing = found["document"]
        assert (standing["rank"], standing["score"]) == (hit["rank"], pytest.approx(hit["score"]))
        assert standing["scores"].get("rerank") == hit["scores"]["rerank"]
        looked_again = hit["scores"]["rerank"] is not None
        assert ("rerank" in standing["explanation"]["parts"]) is looked_again
    assert [hit["scores"]["rerank"] is None for hit in hits] == [False, True]


@pytest.mark.usefixtures("shop")
def test_what_is_no_re_ranking_is_refused_as_in_a_search(molt: Molt) -> None:
    assert molt("explain", "shop", "boots", "--rerank", "colbert").status == 2
    assert molt("explain", "shop", "boots", "--rerank-depth", "5").status == 2


@pytest.mark.usefixtures("shop")
def test_a_document_that_is_not_there_is_an_error(molt: Molt) -> None:
    refused = molt("explain", "shop", "boots", "nobody")
    assert refused.status == 1
    assert "'shop' has no document 'nobody'" in refused.stderr


@pytest.mark.usefixtures("shop")
def test_where_nothing_is_found_nothing_is_explained(molt: Molt) -> None:
    found = molt("--json", "explain", "shop", "quantum", "--mode", "lexical").value
    assert found["document"] is None
    assert "No hits." in molt("explain", "shop", "quantum", "--mode", "lexical").stderr


@pytest.fixture
def other(shop: None, home: Path) -> str:
    """A generation of the shop by another encoder than the one that serves; its id."""
    with closing(Engine.open(load_settings(home=home))) as engine:
        return make_generation(engine, "shop", seed=1)


def test_what_moved_since_another_generation_is_listed(molt: Molt, other: str) -> None:
    asked = ("--mode", "dense", "--against")
    found = molt("--json", "explain", "shop", MOVING, *asked, other[:12]).value
    assert found["before"] == other
    assert found["now"] != other
    told = {one["id"]: one for one in found["documents"]}
    assert [*told] == ["a", "b"]
    assert {name: one["move"] for name, one in told.items()} == {"a": "up", "b": "down"}
    for one in told.values():
        score = one["score"]
        assert score["difference"] == pytest.approx(score["now"] - score["before"])
        assert abs(score["difference"]) > 0.001
    shown = molt("explain", "shop", MOVING, "a", *asked, other)
    assert shown.status == 0
    header, score, *rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert header == ["document", "rank", "part", "what", "before", "now", "difference"]
    signed = {"before": ".4f", "now": ".4f", "difference": "+.4f"}
    numbers = [format(told["a"]["score"][name], form) for name, form in signed.items()]
    assert score == ["a", "2 > 1", "score", "up", *numbers]
    assert {row[0] for row in rows} == {"a"}
    assert {row[3] for row in rows if row[2] == "  query"} >= {*MOVING.split()}


@pytest.mark.usefixtures("shop")
def test_the_generation_that_serves_cannot_differ_from_itself(molt: Molt) -> None:
    (own,) = molt("--json", "generations").value["generations"]
    told = molt("explain", "shop", "boots", "--against", own["id"])
    assert told.status == 0
    assert "nothing can differ" in told.stderr


@pytest.mark.usefixtures("shop")
def test_a_generation_that_is_not_there_is_an_error(molt: Molt) -> None:
    refused = molt("explain", "shop", "boots", "--against", "0" * 32)
    assert refused.status == 1
    assert "0" * 32 in refused.stderr
