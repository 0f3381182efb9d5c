"""A deterministic encoder for tests in which the encoder is not the point.

Equal words give equal directions, so texts that share words are near each other. It has the
public surface of `molt.encoder.Encoder` and needs no checkpoint, no model and no threads.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.encoder import (
    Checkpoint,
    ClosedEncoderError,
    Encoded,
    Fidelity,
    InputType,
    Lane,
    Pooling,
    Prompts,
    Variant,
)

WORD = re.compile(r"\w+")


class HashingEncoder:
    """Sums a pseudo-random direction for each word; `seed` makes different checkpoints."""

    def __init__(self, *, dimension: int = 64, seed: int = 0, max_length: int = 256) -> None:
        self.checkpoint = hashing_checkpoint(dimension=dimension, seed=seed, max_length=max_length)
        self.variant = self.checkpoint.variants[0]
        self.dimension = dimension
        self.seed = seed
        self.calls: list[tuple[int, InputType, Lane]] = []
        self.closed = False

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        if self.closed:
            raise ClosedEncoderError("the encoder was closed; open another one")
        self.calls.append((len(texts), input_type, lane))
        words = [self._words(text) for text in texts]
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, found in enumerate(words):
            vectors[row] = sum(
                (direction(word, dimension=self.dimension, seed=self.seed) for word in found),
                direction("", dimension=self.dimension, seed=self.seed) * np.float32(0.1),
            )
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Encoded(
            vectors=vectors, n_tokens=np.array([len(found) + 2 for found in words], dtype=np.int32)
        )

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode(texts, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND).vectors

    def close(self) -> None:
        self.closed = True

    def _words(self, text: str) -> list[str]:
        return WORD.findall(text.lower())[: self.checkpoint.max_length - 2]


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
