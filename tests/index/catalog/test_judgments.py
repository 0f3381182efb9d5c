import re

import pytest

from molt.index.catalog.judgments import (
    Judgment,
    Pair,
    Query,
    encode_judgment,
    encode_pair,
    encode_query,
)
from molt.index.errors import InvalidJudgmentError


@pytest.mark.parametrize("grade", [0, 1, 100])
def test_a_grade_from_zero_to_a_hundred_is_taken(grade: int) -> None:
    assert encode_judgment(Judgment("q", "d", grade))["grade"] == grade


@pytest.mark.parametrize("grade", [-1, 101, 1.0, "1", True, None])
def test_another_grade_is_refused_with_the_judgment_named(grade: object) -> None:
    message = re.escape("judgment of 'd' for 'q': grade must be an integer from 0")
    with pytest.raises(InvalidJudgmentError, match=message):
        encode_judgment(Judgment("q", "d", grade))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("judgment", "field"),
    [
        (Judgment("", "d", 1), "query_id"),
        (Judgment("q", "d\n", 1), "doc_id"),
        (Judgment("q", "d", 1, ""), "split"),
    ],
)
def test_a_judgment_needs_proper_names(judgment: Judgment, field: str) -> None:
    with pytest.raises(InvalidJudgmentError, match=field):
        encode_judgment(judgment)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (Query("", "x"), "id"),
        (Query("q", " "), "text"),
        (Query("q", "\ud800"), "text"),
        (Query("q", "x", {"a": float("inf")}), "metadata.a"),
    ],
)
def test_a_query_needs_an_id_and_a_text(query: Query, field: str) -> None:
    with pytest.raises(InvalidJudgmentError, match=field):
        encode_query(query)


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (Pair("", "x"), "query"),
        (Pair("q"), "positive is missing, and so is doc_id"),
        (Pair("q", ""), "positive is empty"),
        (Pair("q", doc_id="\0"), "doc_id"),
        (Pair("q", "p", negative=" "), "negative is empty"),
        (Pair("q", None, negative="n"), "positive is missing, and so is doc_id"),
        (Pair("q", "p", score=1.5), "score must be a number from 0"),
        (Pair("q", "p", score=float("nan")), "score must be a number from 0"),
        (Pair("q", "p", score=True), "score must be a number from 0"),
        (Pair("q", "p", negative="n", score=0.5), "score stands beside negative"),
        (Pair("q", "p", split=""), "split"),
    ],
)
def test_a_pair_needs_a_query_and_an_answer(pair: Pair, field: str) -> None:
    with pytest.raises(InvalidJudgmentError, match=field):
        encode_pair(pair)


def test_judgments_of_other_ids_have_different_digests() -> None:
    judgments = [Judgment("a", "bc", 1), Judgment("ab", "c", 1), Judgment("bc", "a", 1)]
    assert len({encode_judgment(judgment)["digest"] for judgment in judgments}) == 3
    same = encode_judgment(Judgment("a", "bc", 2, "test"))
    assert same["digest"] == encode_judgment(judgments[0])["digest"]


def test_pairs_that_differ_have_different_digests() -> None:
    pairs = [Pair("a", "bc"), Pair("ab", "c"), Pair("a", doc_id="bc"), Pair("a", "bc", "d")]
    pairs += [Pair("a", "bc", negative="d"), Pair("a", "bc", negative="e")]
    pairs += [Pair("a", "bc", score=0.5)]
    assert len({encode_pair(pair)["digest"] for pair in pairs}) == len(pairs)


def test_what_is_said_of_the_same_texts_later_has_the_same_digest() -> None:
    digests = [
        {encode_pair(pair)["digest"] for pair in pairs}
        for pairs in (
            [Pair("a", "b", score=0.0), Pair("a", "b", score=0.5, split="test")],
            [Pair("a", "b", negative="c"), Pair("a", "b", negative="c", split="dev")],
            [Pair("a", "b"), Pair("a", "b", split="train")],
        )
    ]
    assert [len(each) for each in digests] == [1, 1, 1]


def test_the_digest_of_a_plain_pair_is_that_of_the_first_version() -> None:
    assert encode_pair(Pair("a query", "a text"))["digest"].hex() == (
        "241b51525be02583d750ac075f6e89a7"
    )
