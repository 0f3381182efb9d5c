"""A shared model: a checkpoint's, loaded once, and whose work it does when.

What it computes of texts is said by those that stand on it: vectors, or scores of pairs.
"""

import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.runtimes.runtime import Runtime
from molt.encoder.safety.cancellation import current
from molt.encoder.safety.model import GuardedModel
from molt.encoder.scheduling.batching import MicroBatch, few_at_once, packed, singles
from molt.encoder.scheduling.lane import Lane
from molt.encoder.scheduling.scheduler import Scheduler

_T = TypeVar("_T")


class SharedModel:
    """One checkpoint, loaded. Threads may call it at once; lanes say who waits for whom.

    What takes longer than `seconds` for a text, and ten times that in the background, is given up.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        variant: Variant,
        *,
        runtime: Runtime,
        threads: int,
        seconds: float = math.inf,
    ) -> None:
        self.checkpoint = checkpoint
        self.variant = variant
        self._scheduler = Scheduler(threads)
        self._model = GuardedModel(
            checkpoint,
            variant,
            runtime=runtime,
            seconds=seconds,
            on_overdue=self._scheduler.give_up,
        )
        weakref.finalize(self, self._scheduler.stop).atexit = False
        weakref.finalize(self, self._model.deadline.stop).atexit = False

    @property
    def last_id(self) -> int:
        """The greatest token id that a text can have."""
        return self._model.tokenizer.last_id

    @property
    def problem(self) -> str | None:
        """Why nothing can be computed at the moment, or what went wrong just now; or None."""
        return self._model.problem or self._scheduler.problem

    def close(self) -> None:
        """End the threads, but for those that hang; calls that wait raise `ClosedEncoderError`."""
        self._scheduler.close(patience=self._model.patience)
        self._model.deadline.stop()

    def _each_read(
        self, read: Callable[[Sequence[str], Lane], list[_T]], texts: Sequence[str], lane: Lane
    ) -> list[_T]:
        """What `read` makes of each text: here, but in the background where it can be given up."""
        reading = [partial(read, part, lane) for part in few_at_once(texts)]
        if lane is Lane.BACKGROUND:
            parts = self._scheduler.run(reading, lane=lane)
        else:
            parts = [part() for part in _while_wanted(reading)]
        return [one for part in parts for one in part]


def batches_of(tokens: Sequence[NDArray[np.int64]], lane: Lane) -> list[MicroBatch]:
    """Token ids `(length,)` of texts, computed together in the background and else each alone."""
    return packed(tokens) if lane is Lane.BACKGROUND else singles(tokens)


def _while_wanted(work: Sequence[Callable[[], _T]]) -> Iterator[Callable[[], _T]]:
    """Piece by piece, until the cancellation of this thread says that nobody waits any more."""
    cancellation = current()
    for piece in work:
        cancellation.check()
        yield piece
