from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.releases import Reason
from molt.index.ranking.fusion import RECIPROCAL_RANKS, Fusion
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


@pytest.fixture
def released(molt: Molt, home: Path, hashing: list[HashingEncoder], tmp_path: Path) -> str:
    """A collection whose pointer was moved twice; the generation that it names."""
    (tmp_path / "boots.jsonl").write_text('{"id": "d1", "text": "warm boots"}\n')
    assert molt("import", "shop", str(tmp_path / "boots.jsonl")).status == 0
    with closing(open_catalog(home_url(home))) as catalog:
        generation = catalog.collections.get("shop").generation
        assert generation is not None
        reason = Reason("ann", "it is\nbetter", "0123456789abcdef")
        catalog.collections.point("shop", generation=generation, reason=reason)
    return generation


def test_releases_are_listed_newest_first(molt: Molt, released: str) -> None:
    newest, first = molt("--json", "releases", "shop").value["releases"]
    assert (newest["epoch"], first["epoch"]) == (2, 1)
    assert newest["generation"] == newest["previous"] == first["generation"] == released
    assert newest["checkpoint"] == HashingEncoder().checkpoint.id
    assert (newest["actor"], newest["report"]) == ("ann", "0123456789abcdef")
    assert datetime.fromisoformat(newest["at"]) > datetime.fromisoformat(first["at"])


def test_a_release_is_one_line(molt: Molt, released: str) -> None:
    header, newest, first = molt("releases", "shop").stdout.splitlines()
    assert header.split("\t")[:4] == ["at", "epoch", "generation", "checkpoint"]
    assert newest.split("\t")[4:] == ["ann", "it is better", "0123456789abcdef", "-", "-"]
    assert first.split("\t")[5:] == ["first documents", "-", "-", "-"]


@pytest.mark.parametrize(
    ("ranking", "shown"),
    [
        (SearchRanking(Fusion(dense=0.45)), "dense 0.45"),
        (SearchRanking(RECIPROCAL_RANKS), "rrf"),
        (SearchRanking(rerank=Reranking(RerankKind.TOKENS, weight=0.2)), "dense 0.7, tokens 0.2"),
        (SearchRanking(rerank=Reranking(RerankKind.TOKENS)), "dense 0.7, tokens"),
        (
            SearchRanking(rerank=Reranking(RerankKind.TOKENS), fields={"title": 2.0, "brand": 0.5}),
            "dense 0.7, brand 0.5, title 2, tokens",
        ),
        (None, "-"),
    ],
)
@pytest.mark.usefixtures("released")
def test_a_release_tells_how_searches_rank_since_then(
    molt: Molt, home: Path, ranking: SearchRanking | None, shown: str
) -> None:
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.retune("shop", ranking, reason=Reason())
    header, newest, *_ = molt("releases", "shop").stdout.splitlines()
    assert (header.split("\t")[-1], newest.split("\t")[-1]) == ("ranking", shown)
    told = molt("--json", "releases", "shop").value["releases"][0]
    assert (told["fusion"] is None) is (ranking is None)
    assert (told["fields"] is None) is ("title" not in shown)
    assert (told["rerank"] is None) is ("tokens" not in shown)


def test_only_the_newest_are_listed_where_that_is_asked_for(molt: Molt, released: str) -> None:
    (newest,) = molt("--json", "releases", "shop", "--limit", "1").value["releases"]
    assert newest["epoch"] == 2


def test_a_collection_that_was_never_released_has_no_releases(molt: Molt, released: str) -> None:
    molt("collections", "create", "empty")
    assert molt("--json", "releases", "empty").value == {"releases": []}
    assert "Nothing was released for empty yet" in molt("releases", "empty").stderr


def test_an_unknown_collection_is_an_error(molt: Molt, released: str) -> None:
    done = molt("releases", "none")
    assert done.status == 1
    assert "there is no collection 'none'" in done.stderr


def test_a_damaged_generation_is_listed_and_said_to_be(
    molt: Molt, home: Path, released: str
) -> None:
    (home / "generations" / released / "generation.json").write_text("{")
    (row,) = molt("--json", "generations").value["generations"]
    assert (row["id"], row["collection"], row["active"]) == (released, "shop", True)
    assert "the manifest is not JSON" in row["problem"]
    done = molt("generations")
    assert (done.status, done.stdout.splitlines()[1].split("\t")[:2]) == (0, [released, "shop"])
    assert f"generation {released} is damaged" in done.stderr


def test_a_release_has_a_name_that_stands_for_its_generation(
    molt: Molt, home: Path, released: str
) -> None:
    named = molt("--json", "releases", "shop", "--name", "1=before-christmas").value["releases"]
    assert [one["name"] for one in named] == [None, "before-christmas"]
    molt("releases", "shop", "--name", "2=before-christmas")
    named = molt("--json", "releases", "shop").value["releases"]
    assert [one["name"] for one in named] == ["before-christmas", None]
    done = molt("--json", "activate", "before-christmas")
    assert (done.status, done.value["generation"]) == (0, released)
    molt("releases", "shop", "--name", "2=")
    assert molt("activate", "before-christmas").status == 1


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ("x=y", 2, "EPOCH=NAME"),
        ("1", 2, "EPOCH=NAME"),
        ("9=late", 1, "no release with the epoch 9"),
        ("1=default", 1, "could be taken for"),
        ("1=a b", 1, "must have 1 to 63"),
    ],
)
def test_what_cannot_be_named_is_said(
    molt: Molt, released: str, given: str, status: int, said: str
) -> None:
    done = molt("releases", "shop", "--name", given)
    assert (done.status, said in done.stderr) == (status, True)
