"""What turns texts into vectors while a run goes on: the learner as it is, or a served encoder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from molt.encoder import Checkpoint, Encoder, InputType, Lane, open_encoder
from molt.index.segments.exact import Vectors
from molt.training.fit.learner import Learner

_BATCH = 256


class Embedding(Protocol):
    """Texts to vectors `(n, dim) float32`, L2-normalised, behind the prompt of their type."""

    def __call__(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Encode."""
        ...


class LearnerEmbedding:
    """The learner, with the weights that it has at that moment."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner

    def __call__(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Vectors of each text once, however often it comes."""
        distinct = list(dict.fromkeys(texts))
        found = self._learner.encode(
            distinct,
            prompt_name=input_type.value,
            batch_size=_BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return _expanded(distinct, np.asarray(found, dtype=np.float32), texts)


class EncoderEmbedding:
    """A served encoder: several times faster, and it never changes."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def __call__(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Vectors of each text once, however often it comes."""
        distinct = list(dict.fromkeys(texts))
        found = self._encoder.encode(distinct, input_type=input_type, lane=Lane.BACKGROUND).vectors
        return _expanded(distinct, found, texts)


@contextmanager
def opened(checkpoint: Checkpoint, cache: Path) -> Iterator[Encoder]:
    """A served encoder for the length of the block."""
    encoder = open_encoder(checkpoint, cache=cache)
    try:
        yield encoder
    finally:
        encoder.close()


def _expanded(distinct: Sequence[str], vectors: Vectors, texts: Sequence[str]) -> Vectors:
    if len(distinct) == len(texts):
        return vectors
    places = {text: place for place, text in enumerate(distinct)}
    return vectors[[places[text] for text in texts]]
