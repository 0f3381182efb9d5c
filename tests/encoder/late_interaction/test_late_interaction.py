from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from molt.encoder import (
    Capability,
    Encoder,
    InputType,
    MissingCapabilityError,
    TokenVectors,
    open_checkpoint,
    open_encoder,
)
from molt.encoder.errors import AbandonedError
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.encoder.safety.cancellation import Cancellation
from tests.hashing import HashingEncoder

TEXTS = ["warm waterproof boots", "a tent for two", "warm socks", "a tent for two"]


class Counting(HashingEncoder):
    """Remembers what it was asked to encode token by token."""

    def __init__(self, **more: int) -> None:
        super().__init__(**more)
        self.asked: list[tuple[InputType, list[str]]] = []

    def encode_tokens(self, texts, *, input_type, lane) -> list[TokenVectors]:
        self.checkpoint.require(Capability.TOKENS)
        if texts:
            self.asked.append((input_type, list(texts)))
        return super().encode_tokens(texts, input_type=input_type, lane=lane)


@pytest.fixture
def interaction() -> LateInteraction:
    return LateInteraction(TokenCache(10_000_000))


def test_maxsim_is_the_share_of_words_found_where_equal_words_alone_are_near(
    interaction: LateInteraction,
) -> None:
    found = interaction.compare(Counting(dimension=512), "warm boots", TEXTS)
    assert found.nearness.maxsim == pytest.approx([1, 0, 0.5, 0], abs=0.15)
    assert found.n_tokens.tolist() == [5, 6, 4, 6]
    assert (found.query_tokens, found.query_truncated) == (4, False)


def test_a_text_is_encoded_once_and_as_what_it_is(interaction: LateInteraction) -> None:
    encoder = Counting()
    first = interaction.compare(encoder, "warm boots", TEXTS)
    again = interaction.compare(encoder, "warm boots", [*TEXTS, "a stove"])
    assert encoder.asked == [
        (InputType.QUERY, ["warm boots"]),
        (InputType.DOCUMENT, TEXTS[:3]),
        (InputType.DOCUMENT, ["a stove"]),
    ]
    assert (first.n_encoded, again.n_encoded) == (3, 1)
    assert np.array_equal(first.nearness.maxsim, again.nearness.maxsim[:4])


def test_checkpoints_share_nothing(interaction: LateInteraction) -> None:
    one, other = Counting(), Counting(seed=1)
    interaction.compare(one, "warm boots", TEXTS)
    interaction.compare(other, "warm boots", TEXTS)
    assert one.asked == other.asked


def test_more_texts_than_are_in_memory_at_once_are_compared_in_their_order(
    interaction: LateInteraction,
) -> None:
    texts = [f"w{at}" for at in range(200)]
    found = interaction.compare(Counting(dimension=512), "w150", texts)
    assert int(found.nearness.maxsim.argmax()) == 150
    assert found.n_encoded == len(found.truncated) == 200


def test_it_is_told_of_which_texts_the_end_was_not_read(interaction: LateInteraction) -> None:
    encoder = Counting(max_length=5)
    found = interaction.compare(encoder, "a query of four words", ["short", "one two three four"])
    assert (found.query_truncated, found.truncated.tolist()) == (True, [False, True])


def test_a_checkpoint_without_token_vectors_says_what_to_do(interaction: LateInteraction) -> None:
    encoder = Counting()
    encoder.checkpoint = replace(encoder.checkpoint, capabilities=(Capability.EMBED,))
    with pytest.raises(MissingCapabilityError, match="molt checkpoints upgrade"):
        interaction.compare(encoder, "warm boots", TEXTS)


@pytest.fixture(scope="module")
def real(default_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    cache = tmp_path_factory.mktemp("cache")
    encoder = open_encoder(open_checkpoint(default_checkpoint), cache=cache, threads=2)
    yield encoder
    encoder.close()


def test_a_real_model_finds_what_words_do_not_tell(
    real: Encoder, interaction: LateInteraction
) -> None:
    texts = ["footwear for rainy hikes", "a guide to tax law", "shoes that keep water out"]
    found = interaction.compare(real, "waterproof boots", texts)
    assert int(found.nearness.maxsim.argmin()) == 1
    assert (np.abs(found.nearness.maxsim) <= 1.01).all()


def test_the_cosine_is_that_of_the_embeddings(real: Encoder, interaction: LateInteraction) -> None:
    found = interaction.compare(real, "waterproof boots", TEXTS)
    (query,), texts = (
        real.encode(each, input_type=input_type, lane=1).vectors
        for each, input_type in (
            (["waterproof boots"], InputType.QUERY),
            (TEXTS, InputType.DOCUMENT),
        )
    )
    assert found.nearness.cosine == pytest.approx(texts @ query, abs=0.01)


def test_nothing_more_is_encoded_for_whoever_has_gone_away(
    real: Encoder, interaction: LateInteraction
) -> None:
    cancellation = Cancellation()
    with cancellation.scope():
        cancellation.cancel()
        with pytest.raises(AbandonedError):
            interaction.compare(real, "boots that nobody waits for", TEXTS)


def test_parts_of_texts_are_compared_from_the_same_cache(interaction: LateInteraction) -> None:
    encoder = Counting(dimension=512)
    texts = [f"w{at} and socks" for at in range(100)]
    spans = [[(0, len(text) - 6), (len(text) - 5, len(text))] for text in texts]
    interaction.compare(encoder, "w70", texts[:50])
    found = interaction.compare_spans(encoder, "w70", texts, spans)
    assert found.n_encoded == 50
    best = max(range(100), key=lambda at: float(found.nearness[at].maxsim[0]))
    assert best == 70
    assert found.nearness[70].maxsim == pytest.approx([1, 0], abs=0.15)
