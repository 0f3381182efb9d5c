from collections.abc import Sequence

import pytest

from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Split
from molt.training.errors import EvaluationError
from molt.training.evaluation.slices import (
    BY_ANSWERS,
    BY_LENGTH,
    BY_TRAINING,
    NONE,
    OTHER,
    field_values,
    slices,
)


def sliced(
    queries: Sequence[Query],
    by: str,
    *,
    qrels: dict[str, dict[str, int]] | None = None,
    fields: Sequence[str] = (),
    train: Split | None = None,
) -> dict[str, list[int]]:
    found = slices(queries, qrels=qrels or {}, fields=fields, train=train)
    return {each.value: each.rows.tolist() for each in found if each.by == by}


def having(*values: object) -> list[Query]:
    return [Query(str(at), "x", {"tag": value}) for at, value in enumerate(values)]


def test_queries_are_sliced_by_how_many_words_they_have() -> None:
    lengths = (1, 2, 3, 5, 6, 10, 11, 30)
    queries = [Query(str(n), "word " * n) for n in lengths]
    assert sliced(queries, BY_LENGTH) == {
        "1-2": [0, 1], "3-5": [2, 3], "6-10": [4, 5], "11 or more": [6, 7],
    }  # fmt: skip


def test_queries_are_sliced_by_how_many_documents_answer_them() -> None:
    queries = [Query(name, "x") for name in "abc"]
    qrels = {
        "a": {"d1": 1, "d2": 0, "d3": 0},
        "b": {"d1": 1, "d2": 2},
        "c": {f"d{at}": 1 for at in range(6)},
    }
    assert sliced(queries, BY_ANSWERS, qrels=qrels) == {"1": [0], "2-5": [1], "6 or more": [2]}


def test_a_query_is_head_where_training_saw_an_answer_of_its() -> None:
    queries = [Query(name, "x") for name in "abc"]
    qrels = {"a": {"d1": 1, "d9": 1}, "b": {"d2": 1}, "c": {"d3": 1}}
    train = Split({"t": Query("t", "y")}, {"t": {"d1": 2, "d2": 0}})
    assert sliced(queries, BY_TRAINING, qrels=qrels, train=train) == {
        "no (tail)": [1, 2], "yes (head)": [0],
    }  # fmt: skip


def test_a_query_with_a_list_is_in_a_slice_of_each_member_once() -> None:
    queries = having(["a", "b", "a"], ["b"], [], None)
    assert sliced(queries, "tag", fields=["tag"]) == {"b": [0, 1], NONE: [2, 3], "a": [0]}


def test_numbers_of_many_values_are_sliced_by_quarters() -> None:
    found = sliced(having(*range(1, 101), None), "tag", fields=["tag"])
    assert [len(rows) for rows in found.values()] == [25, 25, 25, 25, 1]
    assert list(found) == ["up to 25.75", "25.75 to 50.5", "50.5 to 75.25", "over 75.25", NONE]


def test_rare_values_are_one_slice() -> None:
    common = [f"v{at}" for at in range(20) for _ in range(2)]
    found = sliced(having(*common, "rare", "rarer"), "tag", fields=["tag"])
    assert len(found) == 21
    assert found[OTHER] == [40, 41]


def test_a_field_that_says_the_same_of_all_makes_no_slice() -> None:
    assert sliced(having("a", "a"), "tag", fields=["tag"]) == {}


def test_an_unknown_field_is_refused_with_those_there_are() -> None:
    with pytest.raises(EvaluationError, match=r"'colour'.*tag"):
        slices(having("a", "b"), qrels={}, fields=["colour"], train=None)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (True, ["true"]),
        (3, ["3"]),
        ("", [NONE]),
        (["a", None], ["a"]),
        ({"a": 1}, ["{'a': 1}"]),
        (float("nan"), ["nan"]),
    ],
)
def test_any_metadata_value_has_a_text(value: object, texts: list[str]) -> None:
    assert field_values(value) == texts
