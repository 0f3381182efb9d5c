from typing import Any

import pytest

from molt.index.errors import InvalidFieldError
from molt.index.ranking.fusion import RECIPROCAL_RANKS, Fusion, FusionKind
from molt.index.ranking.ranking import SearchRanking, parse_ranking
from molt.index.ranking.reranking import Reranking, RerankKind

TOKENS = Reranking(RerankKind.TOKENS, depth=20, weight=0.3)


@pytest.mark.parametrize(
    "ranking",
    [
        SearchRanking(),
        SearchRanking(Fusion(dense=0.25), TOKENS),
        SearchRanking(RECIPROCAL_RANKS, Reranking(RerankKind.TOKENS)),
        SearchRanking(rerank=Reranking(RerankKind.CROSS_ENCODER, weight=0.4, model="0" * 16)),
        SearchRanking(Fusion(dense=0.25), fields={"title": 2.0, "specs.color": 0.0}),
        SearchRanking(rerank=TOKENS, fields={"title": 0.5}),
    ],
)
def test_a_ranking_is_read_as_it_was_described(ranking: SearchRanking) -> None:
    assert parse_ranking(ranking.describe()) == ranking


def test_what_was_written_before_there_were_re_rankers_is_a_fusion_without_one() -> None:
    fusion = Fusion(FusionKind.CONVEX, 0.75)
    assert parse_ranking({"dense": 0.75, "kind": "convex"}) == SearchRanking(fusion)
    assert SearchRanking(fusion).describe() == {"dense": 0.75, "kind": "convex"}


def test_where_no_field_is_weighed_nothing_is_said_of_any() -> None:
    assert "fields" not in SearchRanking().describe()
    assert parse_ranking({"fields": {}}) == SearchRanking()


def test_what_a_re_ranking_leaves_out_is_as_usual() -> None:
    assert parse_ranking({"rerank": {"kind": "tokens"}}).rerank == Reranking(RerankKind.TOKENS)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"dense": 2}, "fusion.dense"),
        ({"rerank": "tokens"}, "rerank"),
        ({"rerank": {}}, "rerank.kind"),
        ({"rerank": {"kind": "magic"}}, "rerank.kind"),
        ({"rerank": {"kind": "tokens", "depth": 0}}, "rerank.depth"),
        ({"rerank": {"kind": "tokens", "depth": 2.5}}, "rerank.depth"),
        ({"rerank": {"kind": "tokens", "weight": 1.5}}, "rerank.weight"),
        ({"rerank": {"kind": "tokens", "weight": True}}, "rerank.weight"),
        ({"rerank": {"kind": "tokens", "speed": 1}}, "rerank.speed"),
        ({"rerank": {"kind": "tokens", "model": "0" * 16}}, "rerank.model"),
        ({"rerank": {"kind": "cross-encoder", "model": 7}}, "rerank.model"),
        ({"fields": ["title"]}, "fields"),
        ({"fields": {"title": -1}}, "fields.title"),
        ({"fields": {"title": True}}, "fields.title"),
        ({"fields": {f"f{at}": 1 for at in range(17)}}, "fields"),
    ],
)
def test_what_is_no_ranking_is_refused_by_the_name_of_what_is_wrong(
    value: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        parse_ranking(value)
    assert refused.value.field == field
