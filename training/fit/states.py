"""States of a run on disk: what a killed run goes on from.

A state is whole once its mark is written, after everything else in it; others are removed.
"""

import re
from pathlib import Path
from shutil import rmtree
from typing import Any

from transformers import TrainerCallback

from molt.artifact import write_atomically

_MARK = "whole"
_STATE = re.compile(r"checkpoint-(\d+)")


class Saving(TrainerCallback):
    """Has the trainer write a state every so many steps, and marks each one that is whole."""

    def __init__(self, every: int) -> None:
        self._every = every

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Called after each step.

        At the end of an epoch the trainer saves by itself, once dev was ranked: a state from before
        that would pass over it.
        """
        within_epoch = state.epoch % 1 != 0
        if state.global_step % self._every == 0 and within_epoch:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Called when a state is on disk."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        write_atomically(folder / _MARK, b"")


def last_state(folder: Path) -> Path | None:
    """The newest whole state, or None; what a kill left unfinished is removed."""
    whole: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*"):
        found = _STATE.fullmatch(path.name)
        if found is None:
            continue
        if (path / _MARK).exists():
            whole[int(found[1])] = path
        else:
            rmtree(path)
    return whole[max(whole)] if whole else None
