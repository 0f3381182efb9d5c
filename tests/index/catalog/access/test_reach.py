import pytest

from molt.index.catalog.access.reach import EVERYTHING, MOST_PATTERNS, Reach
from molt.index.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("patterns", "covered", "others"),
    [
        (["shop"], ["shop"], ["shop-eu", "sho", "xshop", "default", None]),
        (["shop-*"], ["shop-eu", "shop-"], ["shop", "eshop-eu", None]),
        (["*-eu", "de"], ["shop-eu", "de", "-eu"], ["shop-us", "dé", None]),
        (["s*p"], ["sp", "shop"], ["shops", None]),
    ],
)
def test_names_and_patterns_cover_what_they_say(
    patterns: list[str], covered: list[str], others: list[str | None]
) -> None:
    reach = Reach.of(patterns)
    assert reach.limited
    assert all(map(reach.covers, covered))
    assert not any(map(reach.covers, others))


@pytest.mark.parametrize("reach", [EVERYTHING, Reach.of(["*"]), Reach.of(["shop", "*"])])
def test_a_key_of_everything_knows_what_belongs_to_no_collection_too(reach: Reach) -> None:
    assert not reach.limited
    assert reach.covers("shop")
    assert reach.covers(None)


@pytest.mark.parametrize(
    "pattern", ["", "Shop", "shop?", "[a-z]", "a b", "é", "\0", "x" * 64, "-a"]
)
def test_what_can_be_no_collection_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidFieldError, match="collections hold"):
        Reach.of(["shop", pattern])


def test_too_many_patterns_are_refused() -> None:
    Reach.of(f"c{number}" for number in range(MOST_PATTERNS))
    with pytest.raises(InvalidFieldError, match="more than 100"):
        Reach.of(f"c{number}" for number in range(MOST_PATTERNS + 1))
