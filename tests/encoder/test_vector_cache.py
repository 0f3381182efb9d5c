from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.encoder import Encoded, InputType, Lane
from molt.encoder import vector_cache as vectors
from molt.encoder.errors import UnsoundVectorsError
from molt.encoder.vector_cache import CachedEmbedding, encode_documents, encode_queries
from molt.index.segments.exact import Vectors
from tests.hashing import HashingEncoder


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"text number {at}" for at in range(count))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_CHUNK", 4)


def encoded_texts(encoder: HashingEncoder) -> int:
    return sum(count for count, _, _ in encoder.calls)


class Dying(HashingEncoder):
    """Is killed at its third call."""

    def encode(self, *arguments: Any, **options: Any) -> Encoded:
        if len(self.calls) == 2:
            raise KeyboardInterrupt
        return super().encode(*arguments, **options)


class Noting(HashingEncoder):
    """Remembers which texts came together."""

    def __init__(self) -> None:
        super().__init__()
        self.companies: list[list[str]] = []

    def encode(self, texts: Sequence[str], **options: Any) -> Encoded:
        self.companies.append(list(texts))
        return super().encode(texts, **options)


class Broken(HashingEncoder):
    """Makes vectors, and then something else of them."""

    def __init__(self, spoil: Callable[[Vectors], Vectors]) -> None:
        super().__init__()
        self.spoil = spoil

    def encode(self, *arguments: Any, **options: Any) -> Encoded:
        encoded = super().encode(*arguments, **options)
        return replace(encoded, vectors=self.spoil(encoded.vectors))


def with_last(value: float) -> Callable[[Vectors], Vectors]:
    """The last vector is all this value."""

    def spoil(vectors: Vectors) -> Vectors:
        vectors[-1] = value
        return vectors

    return spoil


def put_into_half(vectors: Vectors) -> Vectors:
    """What `Encoder` does with a graph that gives twice the dimension of its manifest."""
    narrow = np.empty((len(vectors), vectors.shape[1] // 2), np.float32)
    narrow[list(range(len(vectors)))] = vectors
    return narrow


UNSOUND = [
    (with_last(np.nan), "are not finite"),
    (with_last(np.inf), "are not finite"),
    (lambda vectors: vectors * 1.02, "are not normalised: one has the length 1.020"),
    (lambda vectors: vectors[:, :32], r"have the shape \(\d, 32\), not its dimension"),
    (lambda vectors: vectors[:, :1], r"have the shape \(\d, 1\), not its dimension"),
    (lambda vectors: vectors[:-1], r"have the shape \(\d, 64\), not its dimension"),
    (put_into_half, "cannot be put into its dimension"),
]


def test_vectors_are_the_encoder_s_own_in_the_corpus_order(tmp_path: Path) -> None:
    corpus = numbered(10)
    found = encode_documents(HashingEncoder(), corpus, cache=tmp_path)
    alone = HashingEncoder().encode(corpus, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND)
    assert (found == alone.vectors).all()


def test_documents_are_encoded_in_the_background_and_queries_before_them(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    encode_documents(encoder, numbered(3), cache=tmp_path)
    encode_queries(encoder, ["a question"])
    assert encoder.calls == [
        (3, InputType.DOCUMENT, Lane.BACKGROUND),
        (1, InputType.QUERY, Lane.INTERACTIVE),
    ]


def test_an_equal_text_is_encoded_once(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    found = encode_documents(encoder, ("the same",) * 5, cache=tmp_path)
    assert encoded_texts(encoder) == 1
    assert found.shape == (5, 64)
    assert (found == found[0]).all()


def test_what_the_cache_holds_is_not_encoded_again(tmp_path: Path) -> None:
    first = encode_documents(HashingEncoder(), numbered(10), cache=tmp_path)
    again = HashingEncoder()
    assert (encode_documents(again, numbered(10), cache=tmp_path) == first).all()
    assert again.calls == []


def test_only_new_texts_of_a_changed_corpus_are_encoded(tmp_path: Path) -> None:
    encode_documents(HashingEncoder(), numbered(10), cache=tmp_path)
    longer = numbered(13)
    shuffled = longer[::-1]
    again = HashingEncoder()
    found = encode_documents(again, shuffled, cache=tmp_path)
    assert encoded_texts(again) == 3
    assert (
        found == encode_documents(HashingEncoder(), longer, cache=tmp_path / "other")[::-1]
    ).all()


def test_a_killed_encoding_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        encode_documents(Dying(), numbered(12), cache=tmp_path)
    resumed = HashingEncoder()
    found = encode_documents(resumed, numbered(12), cache=tmp_path)
    assert encoded_texts(resumed) == 4
    assert (found == encode_documents(HashingEncoder(), numbered(12), cache=tmp_path / "o")).all()


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_chunk_is_encoded_again(tmp_path: Path, damage: str) -> None:
    expected = encode_documents(HashingEncoder(), numbered(8), cache=tmp_path)
    chunk = sorted(tmp_path.rglob("*.vectors"))[0]
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes({"flip": bytes(content), "cut": content[:-7], "empty": b""}[damage])
    again = HashingEncoder()
    assert (encode_documents(again, numbered(8), cache=tmp_path) == expected).all()
    assert encoded_texts(again) == 4


def test_texts_are_encoded_in_the_same_company_whatever_their_order(tmp_path: Path) -> None:
    corpus = numbered(10)
    shuffled = corpus[::-1]
    first, second = Noting(), Noting()
    encode_documents(first, corpus, cache=tmp_path / "first")
    encode_documents(second, shuffled, cache=tmp_path / "second")
    assert first.companies == second.companies


def test_a_resumed_encoding_gives_each_text_the_company_it_would_have_had(tmp_path: Path) -> None:
    whole, resumed = Noting(), Noting()
    encode_documents(whole, numbered(12), cache=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        encode_documents(Dying(), numbered(12), cache=tmp_path)
    encode_documents(resumed, numbered(12), cache=tmp_path)
    assert resumed.companies == whole.companies[2:]


def test_checkpoints_share_no_vectors(tmp_path: Path) -> None:
    encode_documents(HashingEncoder(seed=1), numbered(4), cache=tmp_path)
    other = HashingEncoder(seed=2)
    encode_documents(other, numbered(4), cache=tmp_path)
    assert encoded_texts(other) == 4


@pytest.mark.parametrize(("spoil", "wrong"), UNSOUND)
def test_vectors_that_cannot_rank_are_refused_with_their_checkpoint_and_not_kept(
    tmp_path: Path, spoil: Callable[[Vectors], Vectors], wrong: str
) -> None:
    broken = Broken(spoil)
    message = f"variant hashing of checkpoint {broken.checkpoint.id}.* 64 dimensions, {wrong}"
    with pytest.raises(UnsoundVectorsError, match=message):
        encode_documents(broken, numbered(4), cache=tmp_path)
    with pytest.raises(UnsoundVectorsError, match=message):
        encode_queries(broken, ["a question", "another"])
    assert list(tmp_path.rglob("*.vectors")) == []


def test_a_text_without_tokens_may_have_the_zero_vector(tmp_path: Path) -> None:
    found = encode_documents(Broken(with_last(0)), numbered(4), cache=tmp_path)
    assert sorted(np.linalg.norm(found, axis=1).round(3).tolist()) == [0, 1, 1, 1]


def test_what_bf16_takes_from_a_length_is_let_pass(tmp_path: Path) -> None:
    rough = Broken(lambda vectors: vectors * np.float32(1.005))
    assert len(encode_documents(rough, numbered(4), cache=tmp_path)) == 4


def test_progress_counts_up_to_all_texts(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    encode_documents(
        HashingEncoder(),
        numbered(10),
        cache=tmp_path,
        progress=lambda _, done, total: seen.append((done, total)),
    )
    assert seen == [(0, 10), (4, 10), (8, 10), (10, 10)]


def test_what_was_encoded_to_be_evaluated_is_not_encoded_again_to_be_indexed(
    tmp_path: Path,
) -> None:
    known, encoder = numbered(10), HashingEncoder()
    encoded = encode_documents(encoder, known, cache=tmp_path)
    made = CachedEmbedding(encoder, cache=tmp_path)([*known[::-1], "a later text"])
    assert encoded_texts(encoder) == 11
    np.testing.assert_array_equal(made[:10], encoded[::-1])
    np.testing.assert_array_equal(made[10:], encoder.embed_documents(["a later text"]))


def test_what_another_encoder_left_is_not_taken(tmp_path: Path) -> None:
    known, other = numbered(3), HashingEncoder(seed=1)
    encode_documents(HashingEncoder(), known, cache=tmp_path)
    made = CachedEmbedding(other, cache=tmp_path)(known)
    np.testing.assert_array_equal(made, other.embed_documents(known))
