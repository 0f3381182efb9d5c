"""How layers tell judged pairs from random ones."""

from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.encoder import Checkpoint, open_encoder
from molt.training.data.dataset import Dataset
from molt.training.evaluation.measurement import Trial
from molt.training.inspecting.corpus import InspectedCorpus, built_in_corpus, sampled_corpus
from molt.training.inspecting.layers import area, best_layer, separation
from molt.training.inspecting.opened import OpenedModel

FEW = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@pytest.fixture
def corpus(dataset: Dataset) -> InspectedCorpus:
    trial = Trial("letters", dataset.corpus, dataset.dev)
    return sampled_corpus(trial, most=60, seed=0)


@given(FEW, FEW)
def test_the_area_counts_how_often_one_is_above_the_other(high: list[int], low: list[int]) -> None:
    counted = [
        1.0 if one > other else 0.5 if one == other else 0.0 for one, other in product(high, low)
    ]
    assert area(np.array(high, float), np.array(low, float)) == pytest.approx(np.mean(counted))


def test_every_layer_of_a_bag_of_letters_tells_pairs_apart(
    base: Checkpoint, corpus: InspectedCorpus, tmp_path: Path
) -> None:
    with closing(open_encoder(base, cache=tmp_path)) as encoder:
        found = separation(OpenedModel(base, encoder), corpus, seed=0)
    assert [one.layer for one in found] == [0, 1, 2]
    for one in found:
        assert one.judged > one.random
        assert 0.8 < one.auc <= 1
    assert best_layer(found).auc == max(one.auc for one in found)


def test_without_judged_pairs_nothing_is_told_apart(
    base: Checkpoint, corpus: InspectedCorpus, tmp_path: Path
) -> None:
    with closing(open_encoder(base, cache=tmp_path)) as encoder:
        assert separation(OpenedModel(base, encoder), replace(corpus, pairs=()), seed=0) == []


def test_documents_that_answer_are_looked_at_first(dataset: Dataset) -> None:
    trial = Trial("letters", dataset.corpus, dataset.dev)
    found = sampled_corpus(trial, most=len(dataset.dev.queries), seed=0)
    assert len(found.pairs) == len(found.documents) == len(dataset.dev.queries)
    for one in found.pairs:
        assert set(one.query.split()) <= set(found.texts[one.row].split())
        assert found.relevant_to(one.query) == {one.row}
    assert found.of == f"the collection letters of {len(dataset.corpus.documents)}"


def test_the_built_in_texts_are_judged() -> None:
    found = built_in_corpus()
    assert len(found.pairs) >= len(found.documents) > 100
    assert found.relevant_to(found.pairs[0].query) == {found.pairs[0].row}
