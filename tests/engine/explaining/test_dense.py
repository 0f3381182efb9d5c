"""What each word adds to a cosine."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.encoder import InputType, Lane, TokenVectors, open_checkpoint, open_encoder
from molt.engine.explaining.dense import MOST_WORDS, contributions, worded_tokens
from tests.hashing import HashingEncoder

ENCODER = HashingEncoder()
SOME = st.lists(st.sampled_from(["warm", "boots", "wool", "tent"]), min_size=1, max_size=60)


def read(text: str) -> TokenVectors:
    (found,) = ENCODER.encode_tokens([text], input_type=InputType.DOCUMENT, lane=Lane.QUERY)
    return found


def cosine(query: str, passage: str) -> float:
    encoded = ENCODER.encode([query, passage], input_type=InputType.QUERY, lane=Lane.QUERY)
    return float(encoded.vectors[0] @ encoded.vectors[1])


@given(SOME, SOME)
def test_the_shares_of_words_add_up_to_the_cosine(query: list[str], passage: list[str]) -> None:
    asked, said = " ".join(query), " ".join(passage)
    found = contributions(read(asked), asked, read(said), said)
    assert found.query.total == pytest.approx(cosine(asked, said), abs=1e-6)
    assert found.passage.total == pytest.approx(cosine(asked, said), abs=1e-6)
    assert len(found.passage.words) == min(len(passage), MOST_WORDS)


def test_a_word_that_both_have_adds_most() -> None:
    query, passage = "warm boots", "two boots of wool"
    found = contributions(read(query), query, read(passage), passage)
    best = max(found.passage.words, key=lambda one: one.score)
    assert (best.text, passage[best.start : best.end]) == ("boots", "boots")
    assert (found.pairs[0].query.text, found.pairs[0].passage.text) == ("boots", "boots")
    assert found.pairs[0].score == pytest.approx(best.score, abs=0.1)


def words(text: str, *places: tuple[int, int]) -> list[str]:
    offsets = np.array([(0, 0), *places, (0, 0)], np.int64)
    vectors = np.zeros((len(offsets), 4), np.float32)
    tokens = TokenVectors(np.zeros(len(offsets), np.int64), vectors, offsets)
    return [text[one.start : one.end] for one in worded_tokens(tokens, text)]


def test_tokens_that_follow_on_each_other_are_one_word() -> None:
    assert words("rubberised, ok", (0, 6), (6, 10), (10, 11), (12, 14)) == ["rubberised", ",", "ok"]


def test_of_writing_without_spaces_each_token_is_a_word() -> None:
    assert words("防水靴", (0, 1), (1, 2), (2, 3)) == ["防", "水", "靴"]


def test_tokens_of_one_character_are_one_word() -> None:
    assert words("😀 x", (0, 1), (0, 1), (2, 3)) == ["😀", "x"]


def test_a_real_model_is_explained_to_the_last_digit(
    default_checkpoint: Path, tmp_path: Path
) -> None:
    encoder = open_encoder(open_checkpoint(default_checkpoint), cache=tmp_path)
    query, passage = "warm waterproof boots", "Our rubberised footwear, lined with wool. " * 30
    try:
        asked, said = (
            encoder.encode_tokens([text], input_type=kind, lane=Lane.INTERACTIVE)[0]
            for text, kind in ((query, InputType.QUERY), (passage, InputType.DOCUMENT))
        )
        (vector,) = encoder.encode([query], input_type=InputType.QUERY, lane=Lane.QUERY).vectors
        served = float(vector @ encoder.embed_documents(["padding " * 200, passage])[1])
    finally:
        encoder.close()
    found = contributions(asked, query, said, passage)
    assert [one.text for one in found.query.words] == query.split()
    assert found.query.total == pytest.approx(served, abs=1e-4)
    assert found.passage.total == pytest.approx(served, abs=1e-4)
