import pytest

from molt.index.errors import InvalidFieldError
from molt.index.ranking.fusion import (
    FEW_WORDS,
    RECIPROCAL_RANKS,
    Fusion,
    FusionKind,
    QueryFusion,
    adapted,
    parse_fusion,
)


@pytest.mark.parametrize(
    "fusion",
    [Fusion(), Fusion(dense=0.25), Fusion(FusionKind.CONVEX, 1.0), RECIPROCAL_RANKS],
)
def test_a_fusion_is_read_as_it_was_described(fusion: Fusion) -> None:
    assert parse_fusion(fusion.describe()) == fusion


def test_what_is_left_out_is_as_in_the_default() -> None:
    assert parse_fusion({}) == Fusion()
    assert parse_fusion({"dense": 1}) == Fusion(dense=1.0)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"weight": 1}, "fusion.weight"),
        ({"kind": "sum"}, "fusion.kind"),
        ({"dense": 1.01}, "fusion.dense"),
        ({"dense": -0.1}, "fusion.dense"),
        ({"dense": float("nan")}, "fusion.dense"),
        ({"dense": True}, "fusion.dense"),
        ({"dense": "0.5"}, "fusion.dense"),
        ({"kind": "rrf", "dense": 0.5}, "fusion.dense"),
    ],
)
def test_what_is_no_fusion_is_refused_by_the_name_of_what_is_wrong(
    value: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        parse_fusion(value)
    assert refused.value.field == field


def test_for_few_words_the_weight_is_as_it_is_kept_and_for_more_it_is_less() -> None:
    few = [adapted(0.7, n_words) for n_words in range(FEW_WORDS + 1)]
    assert few == [pytest.approx(0.7)] * len(few)
    more = [adapted(0.7, n_words) for n_words in (FEW_WORDS, 8, 16, 256)]
    assert more == sorted(more, reverse=True)
    assert 0 < more[-1] < more[0]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_leg_that_is_to_count_alone_does_so_for_any_number_of_words(weight: float) -> None:
    assert [adapted(weight, n_words) for n_words in (0, 3, 50)] == [weight] * 3


def test_only_an_adaptive_weight_depends_on_the_words() -> None:
    assert Fusion(FusionKind.CONVEX, 0.7).weight(50) == 0.7
    assert Fusion(dense=0.7).weight(50) == adapted(0.7, 50)
    assert RECIPROCAL_RANKS.weight(50) is None


def test_a_query_tells_its_weight_and_what_that_rests_on() -> None:
    described = QueryFusion(FusionKind.CONVEX, 0.5, tuned=False).describe()
    assert described == {"kind": "convex", "dense": 0.5, "basis": "estimated"}
    assert QueryFusion(FusionKind.RRF, None, tuned=True).describe()["basis"] == "tuned"
