"""Encoders that were fine-tuned for a measurement: by some of a corpus, each in as many steps."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.legs import LazyEncoder
from molt.encoder import Checkpoint, CheckpointStore, Encoder, open_encoder
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Example
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from molt.training.export.checkpoints import make_checkpoint
from molt.training.fit.config import FitConfig
from molt.training.fit.fit import fit
from molt.training.fit.fitted import RunFolder

EXAMPLES = 1536
RUN = {"epochs": 1, "max_length": 80, "dev_documents": 1000}


class LearntEncoder(LazyEncoder):
    """The encoder of a checkpoint, opened where something has to be encoded."""

    def __init__(self, scratch: Path, checkpoint: Checkpoint) -> None:
        super().__init__(scratch)
        self._checkpoint = checkpoint

    @cached_property
    def opened(self) -> Encoder:
        """The encoder."""
        return open_encoder(self._checkpoint, cache=self._scratch / "cache")


def learnt_checkpoint(
    base: Checkpoint, *, folder: Path, scratch: Path, objective: dict[str, Any]
) -> Checkpoint:
    """`base` after `EXAMPLES` of a corpus' train split; from `scratch` where it was made before.

    Raises `RuntimeError` where it ranks dev no better than the base.
    """
    store, done = CheckpointStore(scratch / "checkpoints"), scratch / "checkpoint"
    if not done.exists():
        dataset, _ = prepare(read_files([folder]), config=DataConfig())
        few = tuple(replace(one, examples=_few(one.examples)) for one in dataset.tasks)
        config = FitConfig.model_validate({"run": RUN, "objective": objective})
        run_folder = RunFolder(scratch / "run", scratch.parent / "cache")
        fitted = fit(
            base, replace(dataset, tasks=few), config=config, run_folder=run_folder, on_event=print
        )
        if not fitted.improved:
            raise RuntimeError(f"{folder.name} teaches nothing that helps its dev queries")
        made = make_checkpoint(
            run_folder.model,
            store=store,
            pooling=base.pooling,
            prompts=base.prompts,
            max_length=base.max_length,
        )
        done.write_text(made.id, encoding="utf-8")
    return store.open(done.read_text(encoding="utf-8"))


def _few(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """As many as are learnt from, evenly drawn."""
    count = min(EXAMPLES, len(examples))
    return tuple(examples[at * len(examples) // count] for at in range(count))
