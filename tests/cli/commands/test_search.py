import json
from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import serving
from tests.cli.conftest import Molt
from tests.cross_encoders import build_cross_encoder
from tests.hashing import HashingEncoder

BOOTS = [
    {"id": "a", "title": "Boots", "text": "warm waterproof boots", "brand": "acme", "price": 90},
    {"id": "b", "title": "Sandals", "text": "light beach sandals", "brand": "acme", "price": 20},
    {"id": "c", "title": "Gloves", "text": "warm gloves", "brand": "other", "price": 15},
]


@pytest.fixture
def shop(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> None:
    """A collection `shop` of three documents."""
    path = tmp_path / "shop.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in BOOTS))
    assert molt("import", "shop", str(path)).status == 0


@pytest.mark.usefixtures("shop")
def test_the_answer_names_one_encoder_and_one_index(
    molt: Molt, hashing: list[HashingEncoder]
) -> None:
    answer = molt("--json", "search", "shop", "warm waterproof boots").value
    assert answer["checkpoint"] == hashing[-1].checkpoint.id
    assert answer["generation"] == molt("--json", "generations").value["generations"][0]["id"]
    assert answer["total"] == {"value": 3, "relation": "eq"}


@pytest.mark.usefixtures("shop")
def test_an_answer_is_what_is_answered_over_http(molt: Molt, home: Path) -> None:
    shown = molt("--json", "search", "shop", "warm waterproof boots").value
    with serving(home) as client:
        body = {"query": "warm waterproof boots", "collection": "shop"}
        answered = client.post("/search", json=body).json()
    for answer in (shown, answered):
        assert len(answer.pop("query_id")) == 32
        assert answer.pop("took_ms") > 0
        assert answer["search"].pop("stages_ms").keys() > {"encode", "retrieve", "hydrate"}
    assert shown == answered
    assert shown["hits"][0]["metadata"] == {"brand": "acme", "price": 90}


@pytest.mark.usefixtures("shop")
def test_words_find_what_has_them(molt: Molt) -> None:
    answer = molt("--json", "search", "shop", "waterproof", "--mode", "lexical").value
    (hit,) = answer["hits"]
    assert hit["scores"]["lexical"] == hit["score"]
    assert answer["search"]["left_out"] == []


@pytest.mark.usefixtures("shop")
def test_k_limits_the_hits(molt: Molt) -> None:
    assert len(molt("--json", "search", "shop", "warm", "-k", "2").value["hits"]) == 2


@pytest.mark.usefixtures("shop")
def test_what_is_like_a_document_is_found_in_place_of_a_query(molt: Molt) -> None:
    hits = molt("--json", "search", "shop", "--like", "a").value["hits"]
    assert [hit["id"] for hit in hits] == ["c", "b"]
    both = molt("--json", "search", "shop", "--like", "a", "--like", "b").value["hits"]
    assert [hit["id"] for hit in both] == ["c"]


@pytest.mark.usefixtures("shop")
def test_a_query_or_documents_are_needed_and_not_both(molt: Molt) -> None:
    for arguments in ((), ("warm", "--like", "a")):
        result = molt("search", "shop", *arguments)
        assert result.status == 2
        assert "--like" in result.stderr
    assert "no document 'z'" in molt("search", "shop", "--like", "z").stderr


@pytest.mark.usefixtures("shop")
def test_a_filter_keeps_only_what_matches(molt: Molt) -> None:
    where = '{"all": [{"field": "brand", "eq": "acme"}, {"field": "price", "lt": 50}]}'
    hits = molt("--json", "search", "shop", "warm", "--filter", where).value["hits"]
    assert [hit["id"] for hit in hits] == ["b"]


@pytest.mark.usefixtures("hashing")
def test_a_word_among_prices_hides_no_price_and_is_told(molt: Molt, tmp_path: Path) -> None:
    path = tmp_path / "docs.csv"
    rows = (
        "id,text,price",
        "1,tent,on request",
        "2,stove,12.5",
        "3,cup,",
        "4,rope,9",
        "5,sock,100",
    )
    path.write_text("\n".join(rows))
    assert molt("import", "shop", str(path)).status == 0
    where = '{"field": "price", "lte": 12.5}'
    shown = molt("search", "shop", "tent", "--filter", where)
    assert sorted(line.split("\t")[2] for line in shown.stdout.splitlines()[1:]) == ["2", "4"]
    assert "'price' holds text in 1 of 5 documents" in shown.stderr


@pytest.mark.usefixtures("shop")
def test_hits_are_listed_best_first(molt: Molt) -> None:
    shown = molt("search", "shop", "warm waterproof boots").stdout.splitlines()
    assert shown[0] == "rank\tscore\tid\tdocument"
    assert shown[1].split("\t")[2:] == ["a", "Boots: warm waterproof boots"]
    assert len(shown) == 4


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("search", "shop", "  "), 2, "empty"),
        (("search", "shop", "\u200b\ufeff"), 2, "empty"),
        (("search", "shop", "x", "--filter", "{"), 2, "not JSON"),
        (("search", "shop", "x", "-k", "0"), 2, "-k"),
        (("search", "shop", "x", "--filter", '{"nor": []}'), 1, '"any"'),
        (("search", "shop", "x", "--filter", '{"field": "brnd", "eq": 1}'), 1, "brand"),
        (("search", "shoop", "x"), 1, "shoop"),
    ],
)
def test_a_wrong_search_says_what_is_wrong(
    molt: Molt, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = molt(*arguments)
    assert (done.status, done.stdout) == (status, "")
    assert message in done.stderr


def test_an_empty_collection_has_no_hits(molt: Molt, hashing: list[HashingEncoder]) -> None:
    molt("collections", "create", "empty")
    answer = molt("--json", "search", "empty", "anything").value
    assert (answer["generation"], answer["hits"]) == (None, [])
    assert "No hits" in molt("search", "empty", "anything").stderr


@pytest.mark.usefixtures("shop")
def test_generations_say_which_is_active_and_how_far_it_is(molt: Molt) -> None:
    (generation,) = molt("--json", "generations").value["generations"]
    assert generation["active"] is True
    assert (generation["collection"], generation["revision"], generation["rows"]) == ("shop", 3, 3)
    assert molt("generations").stdout.splitlines()[1].startswith(f"{generation['id']}\tshop\t")


@pytest.mark.usefixtures("shop")
def test_a_generation_of_a_deleted_collection_is_listed_without_one(molt: Molt) -> None:
    molt("collections", "delete", "shop", "--yes")
    (generation,) = molt("--json", "generations").value["generations"]
    assert (generation["collection"], generation["active"]) == (None, False)


@pytest.mark.usefixtures("shop")
def test_hits_are_looked_at_again_token_by_token(molt: Molt) -> None:
    answer = molt("--json", "search", "shop", "warm gloves", "--rerank", "tokens").value
    assert answer["search"]["rerank"] == {"kind": "tokens", "depth": 50, "weight": 0.2}
    assert answer["hits"][0]["scores"]["rerank"] == pytest.approx(1, abs=0.02)
    deep = molt("--json", "search", "shop", "a", "--rerank", "tokens", "--rerank-depth", "1").value
    assert [hit["scores"]["rerank"] is None for hit in deep["hits"]] == [False, True, True]


@pytest.mark.usefixtures("shop")
def test_hits_are_looked_at_again_by_a_cross_encoder(molt: Molt, home: Path) -> None:
    asked = ("--json", "search", "shop", "warm gloves", "--rerank", "cross-encoder")
    missing = molt(*asked)
    assert missing.status != 0
    assert "molt train shop --kind cross-encoder" in missing.stderr
    made = build_cross_encoder(home / "checkpoints")
    answer = molt(*asked, "--rerank-model", made.id[:8], "--rerank-depth", "7").value
    told = {"kind": "cross-encoder", "depth": 7, "weight": 0.5, "model": made.id}
    assert answer["search"]["rerank"] == told
    alone = molt("search", "shop", "warm", "--rerank-model", made.id)
    assert (alone.status, "needs --rerank cross-encoder" in alone.stderr) == (2, True)


@pytest.mark.usefixtures("shop")
def test_a_re_ranking_that_there_is_not_is_named(molt: Molt) -> None:
    wrong = molt("search", "shop", "warm", "--rerank", "colbert")
    assert (wrong.status, "is none of: none, tokens" in wrong.stderr) == (2, True)
    alone = molt("search", "shop", "warm", "--rerank-depth", "5")
    assert (alone.status, "needs --rerank" in alone.stderr) == (2, True)


@pytest.mark.usefixtures("shop")
def test_a_collection_that_is_tuned_to_re_rank_does_so_unless_none_is_asked_for(
    molt: Molt, home: Path
) -> None:
    ranking = SearchRanking(rerank=Reranking(RerankKind.TOKENS, depth=2, weight=0.3))
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.retune("shop", ranking, reason=Reason())
    asked = ("--json", "search", "shop", "warm gloves", "--mode", "hybrid")
    tuned = molt(*asked).value["search"]["rerank"]
    assert tuned == {"kind": "tokens", "depth": 2, "weight": 0.3}
    assert molt(*asked, "--rerank", "none").value["search"]["rerank"] is None


@pytest.mark.usefixtures("shop")
def test_matches_are_counted_sorted_and_grouped_as_over_http(molt: Molt, home: Path) -> None:
    asked = ("--facet", "brand", "--facet", '{"field": "price", "buckets": 3}')
    asked += ("--sort", "price:desc", "--group-by", "brand")
    shown = molt("--json", "search", "shop", "warm", *asked).value
    with serving(home) as client:
        body = {"query": "warm", "collection": "shop", "sort": ["price:desc"], "group_by": "brand"}
        body |= {"facets": ["brand", {"field": "price", "buckets": 3}]}
        answered = client.post("/search", json=body).json()
    assert [hit["id"] for hit in shown["hits"]] == ["a", "c"]
    assert (shown["hits"], shown["facets"]) == (answered["hits"], answered["facets"])


@pytest.mark.usefixtures("shop")
def test_counts_are_told_to_people_too(molt: Molt) -> None:
    asked = ("--facet", "brand", "--facet", '{"field": "price", "ranges": [{"gte": 15, "lt": 50}]}')
    told = molt("search", "shop", "warm", *asked).stderr
    assert "brand: acme (2), other (1)" in told
    assert "price: gte 15 lt 50 (2)" in told


@pytest.mark.usefixtures("shop")
def test_a_cursor_goes_on_after_the_answer_that_gave_it(molt: Molt) -> None:
    first = molt("--json", "search", "shop", "warm", "-k", "2").value
    rest = molt("--json", "search", "shop", "warm", "--cursor", first["cursor"]).value
    assert len({hit["id"] for hit in first["hits"] + rest["hits"]}) == 3
    assert rest["cursor"] is None


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--facet", "{", "is not JSON"),
        ("--facet", "colour", "no document has a field 'colour'"),
        ("--sort", "colour", "no document has a field 'colour'"),
        ("--group-by", "colour", "no document has a field 'colour'"),
        ("--cursor", "b2Zmc2V0OjEw", "is none of an answer's"),
    ],
)
def test_what_cannot_be_said_of_matches_is_refused(
    molt: Molt, option: str, value: str, said: str
) -> None:
    done = molt("search", "shop", "warm", option, value)
    assert done.status != 0
    assert said in done.stderr


@pytest.mark.usefixtures("shop")
def test_fragments_are_shown_without_marks_where_nobody_looks(molt: Molt) -> None:
    lines = molt("search", "shop", "waterproof", "--highlight", "-k", "1").stdout.splitlines()
    assert lines[1].split("\t")[3] == "warm waterproof boots"
    answer = molt("--json", "search", "shop", "waterproof", "--highlight", "-k", "1").value
    assert answer["hits"][0]["highlights"] == ["warm <mark>waterproof</mark> boots"]


@pytest.mark.usefixtures("shop")
def test_the_likeliest_sentence_is_said(molt: Molt) -> None:
    said = molt("search", "shop", "warm waterproof boots", "--answer").stderr
    assert "Answer, by a (0." in said or "Answer, by a (1.00)" in said
    assert "warm waterproof boots" in said
    nothing = molt("search", "shop", "quantum chromodynamics", "--answer").stderr
    assert "No sentence of the best hits is likely to answer." in nothing


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("option", ["--highlight", "--answer"])
def test_sentences_need_a_query_to_be_compared_with(molt: Molt, option: str) -> None:
    refused = molt("search", "shop", "--like", "a", option)
    assert refused.status == 2
    assert "compares sentences with a QUERY" in refused.stderr
