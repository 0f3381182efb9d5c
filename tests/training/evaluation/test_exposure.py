import math

import numpy as np
import pytest

from molt.index.catalog.document import Document
from molt.training.data.dataset import Corpus
from molt.training.errors import EvaluationError
from molt.training.evaluation.exposure import exposure, grouped
from molt.training.evaluation.runs import Run
from tests.training.judging import corpus_of


def corpus(*groups: object) -> Corpus:
    return corpus_of(
        *(Document(f"d{at}", "text", metadata={"by": group}) for at, group in enumerate(groups))
    )


def run(*rankings: list[int]) -> Run:
    rows = np.array(rankings, np.int32)
    return Run(tuple(f"q{at}" for at in range(len(rows))), rows, np.zeros(rows.shape, np.float32))


def test_shares_have_the_values_computed_by_hand() -> None:
    documents = corpus("a", "a", "b", "b")
    qrels = {"q0": {"d0": 1, "d2": 3}, "q1": {"d1": 1}}
    ranked = run([0, 1, 2], [2, 3, 1])
    found = exposure(ranked, corpus=documents, qrels=qrels, grouping=grouped(documents, "by"))
    first, second, third = 1, 1 / math.log2(3), 1 / 2
    of_a = (first + second + third) / (2 * (first + second + third))
    shares = {each.group: (each.documents, each.relevance, each.exposure) for each in found.groups}
    assert shares["a"] == pytest.approx((0.5, (1 / 4 + 1) / 2, of_a))
    assert shares["b"] == pytest.approx((0.5, (3 / 4) / 2, 1 - of_a))
    assert found.distance == pytest.approx(abs(of_a - 0.625))


def test_a_document_of_two_groups_counts_half_in_each() -> None:
    documents = corpus(["a", "b"], "b")
    found = exposure(
        run([0, 1]), corpus=documents, qrels={"q0": {"d0": 1}}, grouping=grouped(documents, "by")
    )
    assert {each.group: each.relevance for each in found.groups} == {"a": 0.5, "b": 0.5}


def test_only_the_first_ten_are_seen() -> None:
    documents = corpus(*["seen"] * 10, *["unseen"] * 5)
    found = exposure(
        run(list(range(15))),
        corpus=documents,
        qrels={"q0": {"d14": 1}},
        grouping=grouped(documents, "by"),
    )
    assert {each.group: each.exposure for each in found.groups} == {"unseen": 0, "seen": 1}
    assert found.distance == 1


def test_small_groups_are_folded_into_one_and_nothing_is_lost() -> None:
    documents = corpus(*(f"g{at}" for at in range(30)))
    found = exposure(
        run(list(range(30))),
        corpus=documents,
        qrels={"q0": {f"d{at}": 1 for at in range(30)}},
        grouping=grouped(documents, "by"),
    )
    assert len(found.groups) == 12
    for share in ("documents", "relevance", "exposure"):
        assert sum(getattr(each, share) for each in found.groups) == pytest.approx(1)


def test_an_unknown_field_is_refused_with_those_there_are() -> None:
    with pytest.raises(EvaluationError, match=r"'shop'.*by"):
        grouped(corpus("a"), "shop")


def test_a_place_where_nothing_was_found_shows_nobody() -> None:
    documents = corpus("a", "b")
    found = exposure(
        run([0, -1]), corpus=documents, qrels={"q0": {"d0": 1}}, grouping=grouped(documents, "by")
    )
    assert {each.group: each.exposure for each in found.groups} == {"a": 1.0, "b": 0.0}
