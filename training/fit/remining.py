"""Mining again: before each epoch but the first, with the learner as it then is.

What was mined is kept by epoch, so that a resumed epoch has the very negatives that it began with.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TrainerCallback

from molt.training.fit.embedding import Embedding, LearnerEmbedding
from molt.training.fit.hardware import use_all_cores
from molt.training.fit.negatives import Mined
from molt.training.fit.rows import Rows

Mine = Callable[[Rows, Embedding, int], Mined]
"""Mines for rows, with an embedding, before an epoch."""


class Remining(TrainerCallback):
    """Gives rows new negatives as the epochs begin."""

    def __init__(self, rows: Sequence[Rows], *, mine: Mine, folder: Path) -> None:
        self._rows = rows
        self._mine = mine
        self._folder = folder

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Called by the trainer, also where it resumes."""
        epoch = int(state.epoch or 0)
        for rows in self._rows if epoch else ():
            path = self._folder / f"mined-{rows.task.name}-{epoch}.npz"
            if not path.exists():
                _write(path, self._mine(rows, LearnerEmbedding(more["model"]), epoch))
            rows.mined = _read(path)
        use_all_cores()


def _write(path: Path, mined: Mined) -> None:
    working = path.with_suffix(".partial")
    with working.open("wb") as file:
        np.savez(file, documents=mined.documents, difficulty=mined.difficulty)
    working.rename(path)


def _read(path: Path) -> Mined:
    with np.load(path, allow_pickle=False) as arrays:
        return Mined(documents=arrays["documents"], difficulty=arrays["difficulty"])
