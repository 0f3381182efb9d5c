"""Rules that imitate a ranking, where it is known by what it ranks."""

from dataclasses import replace

import numpy as np
import pytest

from molt.index.catalog.document import Document
from molt.training.inspecting.corpus import InspectedCorpus, JudgedPair
from molt.training.inspecting.imitating import Imitation, imitate

WORDS = [f"w{at}" for at in range(40)]


@pytest.fixture(scope="module")
def corpus() -> InspectedCorpus:
    random = np.random.default_rng(0)
    made = tuple(
        Document(
            f"d{at}",
            " ".join(random.choice(WORDS, 12)),
            metadata={"kind": ["boots", "tents"][at % 2], "price": float(random.integers(1, 90))},
        )
        for at in range(200)
    )
    queries = [" ".join(random.choice(WORDS, 3, replace=False)) for _ in range(40)]
    pairs = tuple(JudgedPair(query, at) for at, query in enumerate(dict.fromkeys(queries)))
    return InspectedCorpus("made", made, tuple(one.text for one in made), pairs)


def overlap(corpus: InspectedCorpus) -> np.ndarray:
    texts = [set(text.split()) for text in corpus.texts]
    return np.array(
        [[len(set(query.split()) & text) / 3 for text in texts] for query in corpus.queries], "f4"
    )


def learnt(corpus: InspectedCorpus, scores: np.ndarray) -> Imitation:
    found = imitate(corpus, scores.astype("f4"), seed=0)
    assert found is not None
    return found


def test_a_ranking_by_words_is_told_as_rules_about_words(corpus: InspectedCorpus) -> None:
    found = learnt(corpus, overlap(corpus))
    assert found.r2 > 0.8
    assert found.correlation > 0.8
    assert [rule.score for rule in found.rules] == sorted(
        (rule.score for rule in found.rules), reverse=True
    )
    best = found.rules[0]
    assert best.score > 0.5
    assert any("more than" in one and "query" in one for one in best.conditions)
    assert sum(rule.pairs for rule in found.rules) > 1000


def test_a_ranking_by_a_field_is_told_as_rules_about_the_field(corpus: InspectedCorpus) -> None:
    kinds = np.array([one.metadata["kind"] == "boots" for one in corpus.documents], float)
    found = learnt(corpus, np.tile(kinds, (len(corpus.queries), 1)))
    assert found.r2 > 0.95
    told = {one for rule in found.rules for one in rule.conditions}
    assert told & {"kind is boots", "kind is not boots", "kind is tents", "kind is not tents"}


def test_a_ranking_by_chance_has_no_rule_and_it_is_told_so(corpus: InspectedCorpus) -> None:
    chance = np.random.default_rng(1).random((len(corpus.queries), len(corpus.documents)))
    found = learnt(corpus, chance)
    assert found.r2 < 0.1
    assert abs(found.correlation) < 0.3


def test_too_few_queries_teach_no_rules(corpus: InspectedCorpus) -> None:
    few = replace(corpus, pairs=corpus.pairs[:5])
    assert imitate(few, np.zeros((5, 200), "f4"), seed=0) is None


def test_documents_without_fields_are_told_by_their_words(corpus: InspectedCorpus) -> None:
    bare = replace(corpus, documents=tuple(replace(one, metadata={}) for one in corpus.documents))
    found = learnt(bare, overlap(bare))
    assert found.r2 > 0.8
    assert len(found.features) == 5
