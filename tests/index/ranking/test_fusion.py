import pytest

from molt.index.errors import InvalidFieldError
from molt.index.ranking.fusion import RECIPROCAL_RANKS, Fusion, parse_fusion


@pytest.mark.parametrize(
    "fusion", [Fusion(), Fusion(dense=0.25), Fusion(dense=1.0), RECIPROCAL_RANKS]
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
