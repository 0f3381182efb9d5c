"""Teachers: what scores the texts of each row, so that the learner comes to score them likewise.

An encoder scores by the cosine. A cross-encoder's scores are log-odds; divided by the inverse
temperature of the objective they are what cosines are to the learner, since that times a cosine is
its own logit (Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with
Cross-Architecture Knowledge Distillation").
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from molt.encoder import (
    Checkpoint,
    CrossEncoder,
    InputType,
    Lane,
    ModelKind,
    open_cross_encoder,
)
from molt.training.fit.embedding import Embedding, EncoderEmbedding, opened

_Scores = npt.NDArray[np.float32]


class Teacher(Protocol):
    """Scores the texts of rows, each of `columns` having one for every query."""

    def __call__(self, queries: Sequence[str], columns: Sequence[Sequence[str]]) -> _Scores:
        """Scores `(n, m) float32` of `n` queries and `m` columns."""
        ...


class EmbeddingTeacher:
    """Scores by the cosine."""

    def __init__(self, embedding: Embedding) -> None:
        self._embedding = embedding

    def __call__(self, queries: Sequence[str], columns: Sequence[Sequence[str]]) -> _Scores:
        """As every teacher."""
        asked = self._embedding(queries, InputType.QUERY)
        found = [self._embedding(texts, InputType.DOCUMENT) for texts in columns]
        return np.stack([np.einsum("ij,ij->i", asked, one) for one in found], axis=1)


class PairTeacher:
    """Scores by a cross-encoder, each pair once: rows come again in every epoch.

    Each is computed alone, so that a run that goes on has the scores of one that was not disturbed.
    """

    def __init__(self, scorer: CrossEncoder, *, scale: float) -> None:
        self._scorer = scorer
        self._scale = scale
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, queries: Sequence[str], columns: Sequence[Sequence[str]]) -> _Scores:
        """As every teacher."""
        pairs = [pair for texts in columns for pair in zip(queries, texts, strict=True)]
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        found = self._scorer.score_pairs(missing, lane=Lane.INTERACTIVE).logits
        self._known.update(zip(missing, found.tolist(), strict=True))
        scores = np.array([self._known[pair] for pair in pairs], np.float32) / self._scale
        return scores.reshape(len(columns), len(queries)).T


@contextmanager
def opened_teacher(checkpoint: Checkpoint, *, scale: float, cache: Path) -> Iterator[Teacher]:
    """An encoder or a cross-encoder that teaches for the length of the block.

    `scale` is the inverse temperature of the objective. Raises what opening it raises.
    """
    if checkpoint.kind is ModelKind.CROSS_ENCODER:
        with closing(open_cross_encoder(checkpoint, cache=cache)) as scorer:
            yield PairTeacher(scorer, scale=scale)
    else:
        with opened(checkpoint, cache) as encoder:
            yield EmbeddingTeacher(EncoderEmbedding(encoder))
