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
from molt.training.fit.embedding import Embedding, EncoderEmbedding, opened
from molt.training.fit.fitted import Fitted, Workplace, read_fitted
from molt.training.fit.progress import EventLog, Watch, unwatched
from molt.training.fit.session import STATES, Session

_FITTED = "fitted.json"


def fit(  # noqa: PLR0913  each by name
    base: Checkpoint,
    dataset: Dataset,
    *,
    config: FitConfig,
    workplace: Workplace,
    teacher: Checkpoint | None = None,
    watch: Watch = unwatched,
) -> Fitted:
    """Fit `base` to the tasks of `dataset`; the model of the best epoch is at `workplace.model`.

    Raises `FitError` for a configuration that cannot be.
    """
    done = workplace.folder / _FITTED
    if done.exists():
        return read_fitted(done)
    workplace.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    log = EventLog(workplace.folder / "events.jsonl", watch)
    with _teaching(teacher, config, workplace) as taught:
        run = Session(base, dataset, config, workplace, log, taught)
        fitted = run.finish(run.train(), began=began)
    write_atomically(done, json.dumps(asdict(fitted), indent=1).encode())
    rmtree(workplace.folder / STATES, ignore_errors=True)
    return fitted


@contextmanager
def _teaching(
    teacher: Checkpoint | None, config: FitConfig, workplace: Workplace
) -> Iterator[Embedding | None]:
    """The teacher, open for the length of the run."""
    if teacher is None:
        if config.objective.teacher is not None:
            raise FitError(f"the teacher {config.objective.teacher} was not opened")
        yield None
        return
    with opened(teacher, workplace.cache) as encoder:
        yield EncoderEmbedding(encoder)
