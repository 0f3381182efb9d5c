"""The cross-encoder: a query and texts in, a score of each pair out, shared by every thread.

How one is opened is `opening`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from molt.encoder.scheduling.batching import MicroBatch
from molt.encoder.scheduling.lane import Lane
from molt.encoder.scheduling.shared_model import SharedModel, batches_of
from molt.encoder.tokens import PairIds


@dataclass(frozen=True)
class PairScores:
    """Of each text the log-odds `(n,) float32` that it answers the query, and what was read.

    `n_tokens` `(n,) int32` counts a pair's, the query's among them; `truncated` `(n,) bool` tells
    of which texts the end was not read.
    """

    logits: NDArray[np.float32]
    n_tokens: NDArray[np.int32]
    truncated: NDArray[np.bool_]
    query_truncated: bool


class CrossEncoder(SharedModel):
    """One checkpoint of that kind, loaded. Threads may call it at once, as they may an encoder."""

    def score(self, query: str, texts: Sequence[str], *, lane: Lane) -> PairScores:
        """Score each of `texts` with `query`; blocks until done.

        Outside of the background each pair is computed alone, so that its score depends on no
        other, and what was not begun is dropped as soon as nobody waits any more.
        Raises `ClosedEncoderError` once it is closed, and `DefectiveCheckpointError` where the
        graph fails, makes scores that are not finite, or does not end.
        """
        self._model.require_responsive()
        return self._scored(self._read(query, texts, lane), lane)

    def score_pairs(self, pairs: Sequence[tuple[str, str]], *, lane: Lane) -> PairScores:
        """Score texts that have queries of their own; `query_truncated` where any of these was.

        As `score` otherwise, and raises as it does.
        """
        self._model.require_responsive()
        read = [one for query, text in pairs for one in self._read(query, [text], lane)]
        return self._scored(read, lane)

    def _scored(self, read: Sequence[PairIds], lane: Lane) -> PairScores:
        batches = batches_of([pair.ids for pair in read], lane)
        work = [partial(self._model.scores, batch, _types(batch, read), lane) for batch in batches]
        logits = np.empty(len(read), dtype=np.float32)
        for batch, part in zip(batches, self._scheduler.run(work, lane=lane), strict=True):
            logits[list(batch.rows)] = part
        return PairScores(
            logits,
            n_tokens=np.array([len(pair.ids) for pair in read], dtype=np.int32),
            truncated=np.array([pair.truncated for pair in read], dtype=np.bool_),
            query_truncated=any(pair.query_truncated for pair in read),
        )

    def score_ids(
        self, input_ids: NDArray[np.int64], token_types: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Scores `(n,) float32` of token ids and types `(n, length) int64`, for who examines it.

        Raises as `score` does.
        """
        batch = MicroBatch(tuple(range(len(input_ids))), input_ids, np.ones_like(input_ids))
        compute = partial(self._model.scores, batch, token_types, Lane.BACKGROUND)
        return self._scheduler.run([compute], lane=Lane.BACKGROUND)[0]

    def read_pairs(self, query: str, texts: Sequence[str]) -> None:
        """Find the tokens of each pair and nothing else, for who examines a tokenizer."""
        self._read(query, texts, Lane.BACKGROUND)

    def _read(self, query: str, texts: Sequence[str], lane: Lane) -> list[PairIds]:
        """The tokens of each pair."""
        return self._each_read(partial(self._model.read_pairs, query), texts, lane)


def _types(batch: MicroBatch, read: Sequence[PairIds]) -> NDArray[np.int64]:
    """Token types `(n, length)` of a batch; padding is of the first type."""
    types = np.zeros_like(batch.input_ids)
    for at, row in enumerate(batch.rows):
        types[at, : len(read[row].types)] = read[row].types
    return types
