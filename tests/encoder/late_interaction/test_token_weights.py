from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from molt.encoder.late_interaction.token_weights import TokenWeights
from molt.encoder.tokenizer import Tokenizer
from tests.checkpoints import REAL_MODEL

WORDS = ["[PAD]", "[unused1]", "!", "a", "the", "of", "##ing", "boot", "waterproof"]
VOCABULARY = {word: at for at, word in enumerate(WORDS)}


def weighed(*words: str, vocabulary: dict[str, int] = VOCABULARY) -> NDArray[np.float32]:
    ids = np.array([vocabulary[word] for word in words], dtype=np.int32)
    return TokenWeights(vocabulary).of(ids)


def test_a_rare_token_weighs_more_than_a_frequent_one() -> None:
    weights = weighed("the", "of", "##ing", "boot", "waterproof").tolist()
    assert weights == sorted(weights)
    assert weights[4] / weights[0] == pytest.approx((1 + np.log(5)) ** 2, rel=1e-5)


def test_the_weights_of_a_query_are_one_together() -> None:
    for words in (["the"], ["the", "boot"], ["boot"] * 30):
        assert weighed(*words).sum() == pytest.approx(1, abs=1e-5)


def test_signs_and_special_tokens_weigh_least_and_single_letters_the_median() -> None:
    special, unused, sign, single, median = weighed("[PAD]", "[unused1]", "!", "a", "##ing")
    assert special == unused == sign < single == median


def test_ids_without_a_token_weigh_alike() -> None:
    assert TokenWeights({}).of(np.int32([7, 2**31 - 1])).tolist() == [0.5, 0.5]
    assert TokenWeights(VOCABULARY).of(np.int32([])).shape == (0,)


def test_in_a_real_vocabulary_words_that_mean_more_weigh_more() -> None:
    tokenizer = Tokenizer(Path(REAL_MODEL) / "tokenizer.json", max_length=64)
    (ids,) = tokenizer.encode(["the waterproof boots of"])
    the, *waterproof, boots, of = TokenWeights(tokenizer.ids).of(ids[1:-1].astype(np.int32))
    assert max(the, of) < 0.1
    assert min(boots, *waterproof) > 2 * max(the, of)
