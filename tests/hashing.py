"""A deterministic encoder for tests in which the encoder is not the point.

Equal words give equal directions, so texts that share words are near each other. It has the
public surface of `molt.encoder.Encoder` and needs no checkpoint, no model and no threads.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.encoder import (
    Capability,
    Checkpoint,
    ClosedEncoderError,
    Encoded,
    Fidelity,
    InputType,
    Lane,
    ModelKind,
    Pooling,
    Prompts,
    TokenVectors,
    Variant,
)
from molt.encoder.tokens import Token

WORD = re.compile(r"\w+")


class HashingEncoder:
    """Sums a pseudo-random direction for each word; `seed` makes different checkpoints."""

    def __init__(self, *, dimension: int = 64, seed: int = 0, max_length: int = 256) -> None:
        self.checkpoint = hashing_checkpoint(dimension=dimension, seed=seed, max_length=max_length)
        self.variant = self.checkpoint.variants[0]
        self.dimension = dimension
        self.seed = seed
        self.problem: str | None = None
        self.vocabulary: dict[str, int] = {}
        self.calls: list[tuple[int, InputType, Lane]] = []
        self.closed = False

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        if self.closed:
            raise ClosedEncoderError("the encoder was closed; open another one")
        self.calls.append((len(texts), input_type, lane))
        read = [self._read(text) for text in texts]
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, tokens in enumerate(read):
            vectors[row] = tokens.vectors.sum(axis=0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Encoded(
            vectors=vectors,
            n_tokens=np.array([len(each.ids) for each in read], dtype=np.int32),
            truncated=np.array([each.truncated for each in read], dtype=np.bool_),
        )

    def prepare(self, texts: Sequence[str]) -> None:
        self.encode(texts, input_type=InputType.QUERY, lane=Lane.INTERACTIVE)

    def encode_tokens(
        self, texts: Sequence[str], *, input_type: InputType, lane: Lane
    ) -> list[TokenVectors]:
        if self.closed:
            raise ClosedEncoderError("the encoder was closed; open another one")
        return [self._read(text) for text in texts]

    def are_truncated(self, texts: Sequence[str], *, input_type: InputType) -> list[bool]:
        return [self._read(text).truncated for text in texts]

    @property
    def overhead(self) -> int:
        return len(self._read("").ids)

    def token_starts(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        return [
            np.array([token.start for token in tokens if not token.special], np.int64)
            for tokens in self.split(texts)
        ]

    def split(self, texts: Sequence[str]) -> list[list[Token]]:
        return [
            [
                Token(0, "[CLS]", special=True, start=0, stop=0),
                *(
                    Token(
                        identity(one[0].lower()),
                        one[0],
                        special=False,
                        start=one.start(),
                        stop=one.end(),
                    )
                    for one in found
                ),
                Token(1, "[SEP]", special=True, start=0, stop=0),
            ]
            for found in map(WORD.finditer, texts)
        ]

    def decode(self, ids: Sequence[Sequence[int]], *, skip_special: bool) -> list[str]:
        return [" ".join(f"<{one}>" for one in each if one > 1 or not skip_special) for each in ids]

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode(texts, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND).vectors

    def close(self) -> None:
        self.closed = True

    def _read(self, text: str) -> TokenVectors:
        """Each word a token, between two special ones of which the first has a small vector."""
        most = self.checkpoint.max_length - 2
        found = list(islice(WORD.finditer(text), most + 1))
        truncated = len(found) > most
        found = found[:most]
        vectors = np.zeros((len(found) + 2, self.dimension), dtype=np.float32)
        vectors[0] = self._direction("") * np.float32(0.1)
        for row, word in enumerate(found, start=1):
            vectors[row] = self._direction(word[0].lower())
        return TokenVectors(
            ids=np.array([0, *(identity(word[0].lower()) for word in found), 1], dtype=np.int64),
            vectors=vectors,
            offsets=np.array([(0, 0), *(word.span() for word in found), (0, 0)], dtype=np.int64),
            truncated=truncated,
        )

    def _direction(self, word: str) -> NDArray[np.float32]:
        return direction(word, dimension=self.dimension, seed=self.seed)


def identity(word: str) -> int:
    """The id of a word's token."""
    return 2 + int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "little")


@lru_cache(maxsize=100_000)
def direction(word: str, *, dimension: int, seed: int) -> NDArray[np.float32]:
    digest = hashlib.blake2b(f"{seed}:{word}".encode("utf-8", "surrogatepass")).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    vector = random.standard_normal(dimension).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def hashing_checkpoint(*, dimension: int, seed: int, max_length: int) -> Checkpoint:
    name = f"hashing-{dimension}-{seed}-{max_length}"
    variant = Variant(
        name="hashing",
        runtime="onnx",
        precision="fp32",
        graph="runtime/hashing.onnx",
        fidelity=Fidelity(cosine_mean=1.0, cosine_min=1.0, ndcg10=1.0, ndcg10_reference=1.0),
        texts_per_second=10_000.0,
        host="any",
        size=0,
    )
    return Checkpoint(
        path=Path("/nonexistent") / name,
        kind=ModelKind.BI_ENCODER,
        capabilities=(Capability.EMBED, Capability.TOKENS),
        id=hashlib.sha256(name.encode()).hexdigest()[:16],
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        base_model="hashing",
        dimension=dimension,
        pooling=Pooling.MEAN,
        prompts=Prompts(),
        max_length=max_length,
        files={},
        variants=(variant,),
    )
