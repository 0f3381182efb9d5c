from dataclasses import replace

import pytest

from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.training.data.config import DataConfig, Weighting
from molt.training.data.dataset import Example, Task, TaskKind
from molt.training.data.prepare import prepare
from molt.training.data.raw import RawData, ScoredPair, Triplet
from tests.training.data.raws import three_splits

PLAIN = DataConfig(weighting=Weighting.NONE)


def tasks(raw: RawData, config: DataConfig = PLAIN) -> dict[str, Task]:
    return {task.name: task for task in prepare(raw, config=config)[0].tasks}


def dropped(raw: RawData) -> dict[tuple[str, str], int]:
    return {(one.what, one.why): one.count for one in prepare(raw, config=PLAIN)[1].dropped}


def judge(raw: RawData, *judgments: tuple[str, str, int]) -> RawData:
    more = tuple(Judgment(*one, "train") for one in judgments)
    return replace(raw, judgments=raw.judgments + more)


def test_relevant_judgments_are_positives_scored_by_the_largest_grade() -> None:
    task = tasks(judge(three_splits(), ("q0", "d1", 2), ("q1", "d0", 0)))["judgments"]
    assert task.kind is TaskKind.POSITIVES
    assert task.examples[:2] == (
        Example("what is amber", "all about amber", score=0.5, query_id="q0", doc_id="d0"),
        Example("what is amber", "all about birch", score=1.0, query_id="q0", doc_id="d1"),
    )
    assert [example.query_id for example in task.examples] == ["q0", "q0", "q1", "q2", "q3"]


def test_queries_whose_documents_differ_in_grade_are_scored() -> None:
    task = tasks(judge(three_splits(), ("q0", "d1", 2), ("q1", "d0", 0)))["grades"]
    assert task.kind is TaskKind.SCORED
    found = [(example.query_id, example.doc_id, example.score) for example in task.examples]
    assert found == [("q0", "d0", 0.5), ("q0", "d1", 1.0), ("q1", "d0", 0.0), ("q1", "d1", 0.5)]


def test_grades_that_tell_nothing_apart_make_no_task() -> None:
    assert tasks(three_splits()).keys() == {"judgments"}


def test_a_pair_takes_its_text_or_the_passage_of_its_document() -> None:
    pairs = (Pair("one", "text"), Pair("three", "text", "d2"), Pair("two", None, "d1"))
    task = tasks(replace(three_splits(), pairs=pairs))["pairs"]
    assert task.kind is TaskKind.POSITIVES
    assert task.examples == (
        Example("one", "text"),
        Example("three", "text", doc_id="d2"),
        Example("two", "all about birch", doc_id="d1"),
    )


def test_triplets_and_scored_pairs_are_tasks_of_their_own() -> None:
    raw = replace(
        three_splits(),
        triplets=(Triplet("q", "p", "n"),),
        scored=(ScoredPair("q", "p", 1.0), ScoredPair("q", "n", 0.25)),
    )
    found = tasks(raw)
    assert list(found) == ["judgments", "triplets", "scores"]
    assert found["triplets"] == Task(
        "triplets", TaskKind.TRIPLETS, (Example("q", "p", negative="n"),)
    )
    assert [example.score for example in found["scores"].examples] == [0.25, 1.0]


@pytest.mark.parametrize("query", ["What is EMBER", "what is ember?", "What is jade"])
def test_nothing_is_learnt_from_a_query_of_dev_or_test(query: str) -> None:
    raw = replace(
        three_splits(),
        pairs=(Pair(query, "text"),),
        triplets=(Triplet(query, "p", "n"),),
        scored=(ScoredPair(query, "p", 1.0), ScoredPair(query, "n", 0.0)),
    )
    assert tasks(raw).keys() == {"judgments"}
    assert {what for what, why in dropped(raw) if "the same as a query of" in why} == {
        "pairs", "triplets", "scores",
    }  # fmt: skip


@pytest.mark.parametrize("split", ["test", "dev", "Validation"])
def test_nothing_is_learnt_from_what_is_meant_for_dev_or_test(split: str) -> None:
    raw = replace(
        three_splits(),
        pairs=(Pair("q", "text", split=split), Pair("q", "text"), Pair("r", "b", split="train")),
        triplets=(Triplet("q", "p", "n", split=split), Triplet("q", "p", "n")),
        scored=(ScoredPair("q", "p", 1.0, split=split), ScoredPair("q", "n", 0.0, split=split)),
    )
    found = tasks(raw)
    assert found.keys() == {"judgments", "pairs"}
    assert [example.query for example in found["pairs"].examples] == ["r"]
    held = "test" if split == "test" else "dev"
    assert dropped(raw) == {
        ("pairs", "came twice"): 1, ("triplets", "came twice"): 1,
        ("pairs", f"of {held}, which is not learnt from"): 1,
        ("triplets", f"of {held}, which is not learnt from"): 1,
        ("scores", f"of {held}, which is not learnt from"): 2,
    }  # fmt: skip


def test_a_pair_that_was_judged_not_relevant_is_no_positive() -> None:
    raw = judge(three_splits(), ("q0", "d5", 0))
    raw = replace(raw, pairs=(Pair("What is amber", None, "d5"),))
    assert "pairs" not in tasks(raw)
    assert dropped(raw) == {("pairs", "judged not relevant"): 1}


def test_a_text_that_is_its_query_is_no_positive() -> None:
    raw = replace(
        three_splits(), pairs=(Pair("Same", "same"),), triplets=(Triplet("same", "SAME", "n"),)
    )
    assert tasks(raw).keys() == {"judgments"}
    assert dropped(raw) == {
        ("pairs", "the text is the query"): 1,
        ("triplets", "the text is the query"): 1,
    }


def test_a_negative_that_is_the_positive_is_none() -> None:
    raw = replace(three_splits(), triplets=(Triplet("q", "same", "Same"),))
    assert dropped(raw) == {("triplets", "the negative is the positive"): 1}


def test_documents_of_equal_text_with_different_grades_have_the_highest() -> None:
    raw = three_splits()
    twin = replace(raw.documents[0], id="twin")
    raw = judge(replace(raw, documents=(*raw.documents, twin)), ("q0", "twin", 3), ("q0", "d1", 0))
    found = {example.document: example for example in tasks(raw)["grades"].examples}
    assert found["all about amber"].score == 1.0
    assert found["all about amber"].doc_id == "twin"
    why = "the same texts as another one, of another score; the highest stays"
    assert dropped(raw)["grades", why] == 1


def test_scores_of_one_class_only_make_no_task() -> None:
    raw = replace(three_splits(), scored=(ScoredPair("q", "p", 1.0), ScoredPair("r", "p", 1.0)))
    assert "scores" not in tasks(raw)
    assert dropped(raw) == {("scores", "all scores are the same"): 2}


def test_examples_are_weighted_unless_told_otherwise() -> None:
    raw = judge(three_splits(), ("q0", "d5", 1), ("q0", "d6", 1))
    weighted = tasks(raw, DataConfig())["judgments"].examples
    assert weighted[0].weight < 1 < weighted[-1].weight
    assert sum(one.weight for one in weighted) == pytest.approx(len(weighted), abs=1e-4)
    assert {one.weight for one in tasks(raw)["judgments"].examples} == {1.0}


def test_queries_of_a_pair_in_train_may_be_learnt_from() -> None:
    raw = replace(three_splits(), pairs=(Pair("what is amber", "resin"),))
    assert [example.document for example in tasks(raw)["pairs"].examples] == ["resin"]


def test_a_query_keeps_its_own_spelling() -> None:
    raw = three_splits()
    shouted = (Query("q0", "WHAT is Amber?"), *raw.queries[1:])
    assert tasks(replace(raw, queries=shouted))["judgments"].examples[0].query == "WHAT is Amber?"
