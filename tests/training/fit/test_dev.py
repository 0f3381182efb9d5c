import numpy as np

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Corpus, Split
from molt.training.fit.dev import DevSet, sample_dev

SIZE = 50
TEXTS = tuple(f"text {at}" for at in range(SIZE))
CORPUS = Corpus(tuple(Document(f"d{at}", text) for at, text in enumerate(TEXTS)), TEXTS)
DEV = Split({"q": Query("q", "asked")}, {"q": {"d49": 1, "d48": 0}})


def sampled(size: int, *, seed: int = 0) -> list[str]:
    random = np.random.default_rng(1)
    documents = random.standard_normal((SIZE, 8)).astype(np.float32)
    found = sample_dev(
        DEV, CORPUS, documents=documents, queries=documents[:1], size=size, seed=seed
    )
    return [document.id for document in found.corpus.documents]


def test_a_small_corpus_takes_part_whole() -> None:
    assert sampled(SIZE) == [document.id for document in CORPUS.documents]


def test_of_a_large_one_what_is_judged_and_what_the_base_ranks_best_takes_part() -> None:
    assert {"d48", "d49", "d0"} <= set(sampled(10))
    assert len(sampled(10)) == 10


def test_what_is_judged_takes_part_even_where_it_is_more() -> None:
    assert sampled(1) == ["d48", "d49"]


def test_another_seed_draws_others() -> None:
    assert sampled(40, seed=0) != sampled(40, seed=1)
    assert sampled(40, seed=0) == sampled(40, seed=0)


def test_ndcg_is_that_of_the_ranking() -> None:
    dev = DevSet(DEV, CORPUS)
    places = {text: at for at, text in enumerate(TEXTS)}

    def embed(texts: list[str], input_type: object) -> np.ndarray:
        """The judged document comes second."""
        values = {49: 0.9, 3: 1.0}
        return np.array(
            [[values.get(places.get(text, 3), 0.0)] for text in texts], dtype=np.float32
        )

    assert np.isclose(dev.ndcg10(embed), 1 / np.log2(3))
