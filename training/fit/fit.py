"""Fitting: one run, which goes on where it stopped when it is called again.

What it writes lies in one folder: events, states to resume from, and in the end the model and
`fitted.json`, which a later call returns at once.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from shutil import rmtree

from molt.artifact import write_atomically
from molt.encoder import Checkpoint
from molt.training.data.dataset import Dataset
from molt.training.errors import FitError
from molt.training.fit.config import FitConfig
from molt.training.fit.fitted import Fitted, RunFolder, read_fitted
from molt.training.fit.progress import EventLog, OnEvent, unwatched
from molt.training.fit.session import STATES_FOLDER, Session
from molt.training.fit.teaching import Teacher, opened_teacher

_FITTED = "fitted.json"


def fit(  # noqa: PLR0913  each by name
    base: Checkpoint,
    dataset: Dataset,
    *,
    config: FitConfig,
    run_folder: RunFolder,
    teacher: Checkpoint | None = None,
    on_event: OnEvent = unwatched,
) -> Fitted:
    """Fit `base` to the tasks of `dataset`; the model of the best epoch is at `run_folder.model`.

    Raises `FitError` for a configuration that cannot be.
    """
    done = run_folder.folder / _FITTED
    if done.exists():
        return read_fitted(done)
    run_folder.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    log = EventLog(run_folder.folder / "events.jsonl", on_event)
    with _teaching(teacher, config, run_folder) as taught:
        run = Session(base, dataset, config, run_folder, log, taught)
        fitted = run.finish(run.train(), began=began)
    write_atomically(done, json.dumps(asdict(fitted), indent=1).encode())
    rmtree(run_folder.folder / STATES_FOLDER, ignore_errors=True)
    return fitted


@contextmanager
def _teaching(
    teacher: Checkpoint | None, config: FitConfig, run_folder: RunFolder
) -> Iterator[Teacher | None]:
    """The teacher, open for the length of the run."""
    if teacher is None:
        if config.objective.teacher is not None:
            raise FitError(f"the teacher {config.objective.teacher} was not opened")
        yield None
        return
    scale = config.objective.scale
    with opened_teacher(teacher, scale=scale, cache=run_folder.cache) as taught:
        yield taught
