"""Two explanations of one hit, written by hand, and what their difference tells."""

from typing import Any

import pytest

from molt.engine.explaining.moved import (
    MOST_MOVED,
    Moved,
    moved_dense,
    moved_lexical,
    moved_parts,
)


def word(text: str, score: float, start: int = 0, **more: Any) -> dict[str, Any]:
    return {"text": text, "start": start, "end": start + len(text), "score": score} | more


def side(*words: dict[str, Any], special: float = 0.0, others: float = 0.0) -> dict[str, Any]:
    return {"words": list(words), "special": special, "others": others}


def dense(query: dict[str, Any], passage: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An explanation by meaning, exact and of a score of 1 where nothing else is said."""
    told = {"score": 1.0, "method": "exact", "query": query, "passage": passage, "rest": 0.0}
    return told | more


def lexical(*words: tuple[str | None, str, float], **more: Any) -> dict[str, Any]:
    told = [{"field": field, "text": text, "rows": 1, "score": n} for field, text, n in words]
    return {"score": 1.0, "ceiling": 2.0, "words": told, "rest": 0.0} | more


def moves(told: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """What each word of a side, or of a score by words, adds before and now, and the difference."""
    return {
        one["text"]: (one["before"], one["now"], pytest.approx(one["difference"]))
        for one in told["words"]
    }


def differences(side: dict[str, Any]) -> float:
    told = [*side["words"], side["special"], side["others"]]
    return sum(one["difference"] for one in told)


@pytest.mark.parametrize(
    ("before", "now", "difference"),
    [(0.25, 1.0, 0.75), (1, 3, 2), (0.5, None, None), (None, 0.5, None), (None, None, None)],
)
def test_a_difference_is_known_where_both_numbers_are(
    before: float | None, now: float | None, difference: float | None
) -> None:
    told = Moved(before, now).describe()
    assert told == {"before": before, "now": now, "difference": difference}


def test_a_part_that_one_of_them_lacks_adds_nothing_there() -> None:
    found = moved_parts({"dense": 0.5, "boost": 0.25}, {"dense": 0.75, "lexical": 0.5})
    assert found == {
        "dense": Moved(0.5, 0.75),
        "lexical": Moved(0.0, 0.5),
        "boost": Moved(0.25, 0.0),
    }


def test_a_word_adds_nothing_where_it_is_not_told() -> None:
    former = side(word("warm", 0.5), word("wool", 0.25, 5))
    latter = side(word("warm", 0.125), word("boots", 0.75, 10))
    found = moved_dense(dense(former, side()), dense(latter, side()))
    assert moves(found["query"]) == {
        "warm": (0.5, 0.125, -0.375),
        "wool": (0.25, 0.0, -0.25),
        "boots": (0.0, 0.75, 0.75),
    }


def test_a_word_is_the_same_only_at_its_place_in_its_text() -> None:
    former = side(word("warm", 0.5, 0, field="title"), word("warm", 0.25, 9, field="text"))
    latter = side(word("warm", 0.125, 0, field="text"), word("warm", 0.75, 9, field="text"))
    found = moved_dense(dense(side(), former), dense(side(), latter))["passage"]
    assert [(one["field"], one["start"], one["end"]) for one in found["words"]] == [
        ("title", 0, 4),
        ("text", 0, 4),
        ("text", 9, 13),
    ]
    assert [(one["before"], one["now"]) for one in found["words"]] == [
        (0.5, 0.0),
        (0.0, 0.125),
        (0.25, 0.75),
    ]


def test_what_words_leave_of_a_score_is_told_beside_them() -> None:
    former = side(word("warm", 0.5), special=0.25, others=0.125)
    latter = side(word("warm", 0.25), special=0.5, others=0.5)
    found = moved_dense(
        dense(former, former, score=1.0, rest=0.125), dense(latter, latter, score=1.5, rest=0.25)
    )
    assert (found["before"], found["now"], found["difference"]) == (1.0, 1.5, 0.5)
    assert found["rest"] == {"before": 0.125, "now": 0.25, "difference": 0.125}
    for told in (found["query"], found["passage"]):
        assert told["special"] == {"before": 0.25, "now": 0.5, "difference": 0.25}
        assert told["others"] == {"before": 0.125, "now": 0.5, "difference": 0.375}
        assert differences(told) == found["difference"] - found["rest"]["difference"]


def test_of_many_words_those_that_moved_least_are_among_the_others() -> None:
    texts = [f"w{number:02}" for number in range(MOST_MOVED + 5)]
    former = side(*(word(text, 0.5, 4 * at) for at, text in enumerate(texts)), others=0.25)
    moved = {at: 0.5 - at * (-1) ** at / 64 for at in range(len(texts))}  # up and down by turns
    latter = side(*(word(text, moved[at], 4 * at) for at, text in enumerate(texts)), others=0.5)
    found = moved_dense(dense(side(), former), dense(side(), latter))["passage"]
    assert [one["text"] for one in found["words"]] == texts[5:]
    left = sum(moved[at] for at in range(5))
    assert found["others"] == {
        "before": pytest.approx(0.25 + 5 * 0.5),
        "now": pytest.approx(0.5 + left),
        "difference": pytest.approx(0.25 + left - 5 * 0.5),
    }
    total = 0.25 + sum(moved.values()) - 0.5 * len(texts)
    assert differences(found) == pytest.approx(total)


def test_words_are_told_in_the_order_of_the_passage_its_title_first() -> None:
    told = [
        word("wool", 0.125, 8, field="text"),
        word("socks", 0.25, 5, field="title"),
        word("of", 0.5, 2, field="text"),
        word("warm", 0.75, 0, field="title"),
    ]
    found = moved_dense(dense(side(), side(*told[:2])), dense(side(), side(*told[2:])))
    assert [one["text"] for one in found["passage"]["words"]] == ["warm", "socks", "of", "wool"]


@pytest.mark.parametrize("methods", [("leave_one_out", "exact"), ("exact", "leave_one_out")])
def test_a_difference_is_as_exact_as_the_less_exact_of_both(methods: tuple[str, str]) -> None:
    before, now = (dense(side(), side(), method=method) for method in methods)
    assert moved_dense(before, now)["method"] == "leave_one_out"
    assert moved_dense(before, before | {"method": methods[0]})["method"] == methods[0]


def test_a_hit_that_was_not_found_by_meaning_has_the_score_that_its_words_make() -> None:
    former = side(word("warm", 0.5), word("wool", 0.125), special=0.25, others=0.0625)
    before = dense(former, former, score=None, rest=None)
    found = moved_dense(before, dense(side(), side(), score=1.0))
    assert (found["before"], found["now"]) == (0.9375, 1.0)
    assert found["rest"] == {"before": 0.0, "now": 0.0, "difference": 0.0}


def test_of_a_score_by_words_each_word_is_told_by_its_field() -> None:
    before = lexical(("title", "warm", 0.5), ("text", "warm", 0.25), (None, "wool", 0.25))
    now = lexical(
        ("title", "warm", 0.25), ("text", "boots", 0.5), score=0.875, ceiling=3.0, rest=0.125
    )
    found = moved_lexical(before, now)
    assert [(one["field"], one["text"], one["before"], one["now"]) for one in found["words"]] == [
        ("title", "warm", 0.5, 0.25),
        ("text", "boots", 0.0, 0.5),
        ("text", "warm", 0.25, 0.0),
        (None, "wool", 0.25, 0.0),
    ]
    assert {name: found[name] for name in ("before", "now", "difference")} == {
        "before": 1.0,
        "now": 0.875,
        "difference": -0.125,
    }
    assert found["ceiling"] == {"before": 2.0, "now": 3.0, "difference": 1.0}
    assert found["rest"] == {"before": 0.0, "now": 0.125, "difference": 0.125}


def test_what_was_not_found_by_its_words_had_no_score_by_them() -> None:
    found = moved_lexical(lexical(score=None, rest=None), lexical(("text", "warm", 1.0)))
    assert (found["before"], found["now"], found["difference"]) == (0.0, 1.0, 1.0)
    assert found["rest"]["difference"] == 0.0
