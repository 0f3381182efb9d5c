"""Encoders that were fine-tuned for a measurement: by some of a corpus, each in as many steps."""

from pathlib import Path
from typing import Any

from molt.encoder import Checkpoint, CheckpointStore
from molt.training.data.config import DataConfig
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from molt.training.export.checkpoints import make_checkpoint
from molt.training.fit.config import FitConfig
from molt.training.fit.fit import fit
from molt.training.fit.fitted import RunFolder

RUN = {"epochs": 1, "max_length": 128, "dev_documents": 1000}


def learnt_checkpoint(
    base: Checkpoint, *, folder: Path, scratch: Path, objective: dict[str, Any]
) -> Checkpoint:
    """`base` after an epoch of a corpus' train split; from `scratch` where it was made before.

    Raises `RuntimeError` where it ranks dev no better than the base.
    """
    store, done = CheckpointStore(scratch / "checkpoints"), scratch / "checkpoint"
    if not done.exists():
        dataset, _ = prepare(read_files([folder]), config=DataConfig())
        config = FitConfig.model_validate({"run": RUN, "objective": objective})
        run_folder = RunFolder(scratch / "run", scratch.parent / "cache")
        fitted = fit(base, dataset, config=config, run_folder=run_folder, on_event=print)
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
