"""The judged questions in `demo/stdlib`: whole, disjoint by split, about real documents."""

import re
import sys
from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from .conftest import SPLITS

Queries = dict[str, dict[str, Any]]
Qrels = dict[str, dict[str, dict[str, int]]]

STOP_WORDS = set(
    re.findall(r"\w+", "a an and as at by do for from how in is it my of on or so the to")
)


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - STOP_WORDS


def similarity(one: str, other: str) -> float:
    """Jaccard overlap of the words of two questions."""
    return len(words(one) & words(other)) / max(1, len(words(one) | words(other)))


def test_every_query_is_in_exactly_one_split_or_waits_for_its_judge(
    queries: Queries, qrels: Qrels
) -> None:
    assigned = [query_id for split in SPLITS for query_id in qrels[split]]
    waiting = [query_id for query_id in queries if query_id.startswith("unjudged-")]
    assert sorted(assigned + waiting) == sorted(queries)
    assert len(waiting) > 40


def test_grades_are_zero_one_or_two_and_every_query_has_an_answer(qrels: Qrels) -> None:
    for grades in (grades for split in SPLITS for grades in qrels[split].values()):
        assert set(grades.values()) <= {0, 1, 2}
        assert 2 in grades.values()


@pytest.mark.skipif(sys.version_info < (3, 11, 7), reason="judged on the pages of CPython 3.11.7")
def test_every_judged_document_is_in_the_corpus(
    documents: dict[str, dict[str, Any]], qrels: Qrels
) -> None:
    judged = {doc for split in SPLITS for grades in qrels[split].values() for doc in grades}
    assert sorted(judged - documents.keys()) == []


def test_every_split_holds_every_topic(queries: Queries, qrels: Qrels) -> None:
    topics = {query["metadata"]["topic"] for query in queries.values()}
    for split in SPLITS:
        seen = Counter(queries[query_id]["metadata"]["topic"] for query_id in qrels[split])
        assert seen.keys() == topics


def test_no_question_is_nearly_repeated(queries: Queries) -> None:
    texts = [query["text"] for query in queries.values()]
    near = [pair for pair in combinations(texts, 2) if similarity(*pair) >= 0.5]
    assert near == []


def test_the_first_question_to_try_is_held_out(queries: Queries, qrels: Qrels) -> None:
    held_out = {**qrels["dev"], **qrels["test"]}
    shown = [row["_id"] for row in queries.values() if row["text"] == "copy a whole directory tree"]
    assert len(shown) == 1
    assert held_out[shown[0]]["shutil.copytree"] == 2
