"""A guarded model: the tokenizer and the runtime of a checkpoint, whose faults are its own.

Whatever they raise names the checkpoint, vectors that no ranking could rest on are refused, and
what does not come to an end is given up.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.errors import (
    DefectiveCheckpointError,
    EncoderError,
    HangingCheckpointError,
    NoVariantError,
    UnsoundScoresError,
    UnsoundVectorsError,
)
from molt.encoder.kind import ModelKind
from molt.encoder.runtimes.runtime import Runtime
from molt.encoder.safety.deadline import Deadline, GiveUp
from molt.encoder.safety.vectors import fault_of
from molt.encoder.scheduling.batching import MicroBatch
from molt.encoder.scheduling.lane import Lane
from molt.encoder.tokenizer import Tokenizer
from molt.encoder.tokens import PairIds, ReadText, Token, TokenIds

_Ids = NDArray[np.int64]
_Run = Callable[[_Ids, _Ids], NDArray[np.float32]]
_PATIENCE = {Lane.QUERY: 1.0, Lane.INTERACTIVE: 1.0, Lane.BACKGROUND: 10.0}
"""In each lane so many deadlines for one computation."""


class GuardedModel:
    """Token ids and vectors of texts. What takes longer than `seconds` for one is given up.

    `on_overdue` is told of that, so that nobody waits for his turn meanwhile.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        variant: Variant,
        *,
        runtime: Runtime,
        seconds: float,
        on_overdue: GiveUp,
    ) -> None:
        self.runtime = runtime
        self.tokenizer = Tokenizer(
            checkpoint.path / "tokenizer.json", max_length=checkpoint.max_length
        )
        self._name = f"variant {variant.name} of checkpoint {checkpoint.id}"
        self._dimension = checkpoint.dimension
        self._may_be_zero = checkpoint.kind is ModelKind.STATIC
        hanging = f"{self._name} has not come to an end with a text in {seconds:g} s"
        self.deadline = Deadline(
            seconds,
            make_error=lambda: HangingCheckpointError(f"{hanging}; do not use it"),
            on_overdue=on_overdue,
        )

    @property
    def problem(self) -> str | None:
        """Why nothing is computed at the moment, or None."""
        if not self.deadline.hangs:
            return None
        return (
            f"{self._name} hangs at a text, and is asked no more until it has come to an end; "
            "serve another checkpoint"
        )

    @property
    def patience(self) -> float | None:
        """How many seconds to wait for what has begun; None where it may take for ever."""
        if self.deadline.hangs:
            return 0.0
        return self.deadline.seconds if math.isfinite(self.deadline.seconds) else None

    def require_responsive(self) -> None:
        """Raise `HangingCheckpointError` while a computation hangs: more of them would hang too."""
        if (problem := self.problem) is not None:
            raise HangingCheckpointError(problem)

    def read_ids(self, texts: Sequence[str], lane: Lane) -> list[TokenIds]:
        """Token ids of each text `(length,) int64`, and whether it has more."""
        with self._reading(lane):
            return self.tokenizer.scan(texts)

    def read(self, texts: Sequence[str], lane: Lane) -> list[ReadText]:
        """The same, and where in its text each token stands."""
        with self._reading(lane):
            return self.tokenizer.read(texts)

    def read_pairs(self, query: str, texts: Sequence[str], lane: Lane) -> list[PairIds]:
        """The query before each of the texts, and whether the end of either is cut off."""
        with self._reading(lane):
            return self.tokenizer.pair(query, texts)

    def split(self, texts: Sequence[str], lane: Lane) -> list[list[Token]]:
        """Every token of each text, none cut off."""
        with self._reading(lane):
            return [self.tokenizer.split(text) for text in texts]

    def token_starts(self, texts: Sequence[str], lane: Lane) -> list[NDArray[np.int64]]:
        """Where every token of each text begins."""
        with self._reading(lane):
            return [self.tokenizer.starts(text) for text in texts]

    def decode(self, ids: Sequence[Sequence[int]], lane: Lane, *, skip_special: bool) -> list[str]:
        """The texts that tokens make together."""
        with self._reading(lane):
            return [self.tokenizer.decode(each, skip_special=skip_special) for each in ids]

    def vectors(self, batch: MicroBatch, lane: Lane) -> NDArray[np.float32]:
        """Vectors `(n, dim) float32`, L2-normalised.

        Raises `DefectiveCheckpointError`, and `NoVariantError` where they are of another dimension.
        """
        vectors = self._run(self.runtime.run, batch, lane)
        if vectors.shape != (len(batch.rows), self._dimension) or vectors.dtype != np.float32:
            raise self._unusable(
                f"makes vectors of shape {vectors.shape[1:]}, not of the {self._dimension} numbers "
                f"that its manifest promises, in {vectors.dtype}"
            )
        fault = fault_of(vectors, may_be_zero=self._may_be_zero)
        if fault is not None:
            raise UnsoundVectorsError(f"{self._name} {fault}; do not use it")
        return vectors

    def token_vectors(self, batch: MicroBatch, lane: Lane) -> NDArray[np.float32]:
        """Token vectors `(n, length, dim) float32`. Raises as `vectors`."""
        vectors = self._run(self.runtime.run_tokens, batch, lane)
        expected = (*batch.input_ids.shape, self._dimension)
        if vectors.shape != expected or vectors.dtype != np.float32:
            raise self._unusable(f"makes token vectors of shape {vectors.shape}, not {expected}")
        return vectors

    def scores(self, batch: MicroBatch, token_types: _Ids, lane: Lane) -> NDArray[np.float32]:
        """Scores `(n,) float32` of pairs, whose `token_types` are as the batch's ids.

        Raises `DefectiveCheckpointError`, and `NoVariantError` where there is not one for each.
        """

        def run(input_ids: _Ids, attention_mask: _Ids) -> NDArray[np.float32]:
            return self.runtime.run_pairs(input_ids, attention_mask, token_types)

        scores = self._run(run, batch, lane)
        if scores.shape != (len(batch.rows),) or scores.dtype != np.float32:
            raise self._unusable(f"makes scores of shape {scores.shape}, not one for each pair")
        if not np.isfinite(scores).all():
            raise UnsoundScoresError(
                f"{self._name} makes scores that are not finite numbers; do not use it"
            )
        return scores

    @contextmanager
    def _reading(self, lane: Lane) -> Iterator[None]:
        try:
            with self.deadline.computing(times=_PATIENCE[lane]):
                yield
        except DefectiveCheckpointError as error:
            raise type(error)(f"{self._name}: {error}; do not use it") from error

    def _run(self, run: _Run, batch: MicroBatch, lane: Lane) -> NDArray[np.float32]:
        try:
            with self.deadline.computing(times=_PATIENCE[lane]):
                return run(batch.input_ids, batch.attention_mask)
        except EncoderError:
            raise
        except Exception as error:
            raise DefectiveCheckpointError(
                f"{self._name} fails at a text of {batch.input_ids.shape[1]} tokens: {error}; "
                "do not use it"
            ) from error

    def _unusable(self, why: str) -> NoVariantError:
        return NoVariantError(f"{self._name} {why}; do not use it")
