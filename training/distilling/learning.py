"""Learning: a student moves its vectors to where its teacher's are.

The trainer is that of fitting, and so are its states: a killed run goes on from the last one.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.base.model import BaseModel
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import EmbedDistillLoss
from transformers import set_seed

from molt.encoder import Prompts
from molt.training.distilling.teaching import TeacherVectors
from molt.training.fit.config import FitConfig
from molt.training.fit.fitted import RunFolder
from molt.training.fit.hardware import choose_hardware, use_all_cores
from molt.training.fit.layers import set_dropout
from molt.training.fit.learner import Learner, open_learner
from molt.training.fit.progress import EventLog, Reporter, TrainingEvent
from molt.training.fit.states import last_state
from molt.training.fit.trainer import Lesson, Trainer, build_trainer, training_arguments

_STATES = "states"

_METRIC = "cosine"
_BATCH = 256


def learn(  # noqa: PLR0913  each by name
    start: Path,
    taught: TeacherVectors,
    *,
    held_out: TeacherVectors,
    prompts: Prompts,
    max_length: int,
    config: FitConfig,
    run_folder: RunFolder,
    log: EventLog,
) -> Learner:
    """Train the model at `start`, and return it as it was after the epoch nearest to the teacher.

    Without dropout: nothing is random in the vectors that are asked for.
    """
    run = config.run
    set_seed(run.seed)
    hardware = choose_hardware(device=run.device, precision=run.precision)
    learner = open_learner(start, hardware=hardware, max_length=max_length)
    set_dropout(learner, 0.0)
    rows = Dataset.from_dict({"text": taught.read(prompts), "label": taught.vectors})
    batches = Shuffled(rows, batch_size=run.batch_size, seed=run.seed)
    loss = EmbedDistillLoss(learner, distance_metric="cosine")
    trainer = _trainer(
        learner,
        Lesson("vectors", rows, batches, loss),
        dev=HeldOutTexts(held_out, prompts=prompts, log=log),
        config=config,
        folder=run_folder.folder / _STATES,
        log=log,
    )
    found = last_state(run_folder.folder / _STATES)
    use_all_cores()
    trainer.train(resume_from_checkpoint=None if found is None else str(found))
    return learner


class Shuffled(DefaultBatchSampler):
    """Every row once an epoch, in an order that depends on seed and epoch alone."""

    def __init__(self, rows: Dataset, *, batch_size: int, seed: int) -> None:
        super().__init__(rows, batch_size=batch_size, drop_last=False, seed=seed)
        self._order = (seed, len(rows))

    def __len__(self) -> int:
        return math.ceil(self._order[1] / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        seed, count = self._order
        order = np.random.default_rng((seed, self.epoch)).permutation(count).tolist()
        for start in range(0, count, self.batch_size):
            yield order[start : start + self.batch_size]


class HeldOutTexts(BaseEvaluator):
    """The mean cosine to the teacher's vectors of texts that are not learnt from."""

    def __init__(self, held_out: TeacherVectors, *, prompts: Prompts, log: EventLog) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = _METRIC
        self._texts = held_out.read(prompts)
        self._vectors = held_out.vectors
        self._log = log

    def __call__(
        self, model: BaseModel, *_: object, epoch: float = -1, **__: object
    ) -> dict[str, float]:
        """The metric of the model as it is."""
        if not isinstance(model, Learner):
            raise TypeError(f"a learner is evaluated, not a {type(model).__name__}")
        found = model.encode(
            self._texts, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        cosine = float(np.einsum("ij,ij->i", found, self._vectors).mean())
        self._log(TrainingEvent("held out", epoch=round(epoch, 3), cosine=round(cosine, 4)))
        return {_METRIC: cosine}


def _trainer(  # noqa: PLR0913  each by name
    learner: Learner,
    lesson: Lesson,
    *,
    dev: BaseEvaluator,
    config: FitConfig,
    folder: Path,
    log: EventLog,
) -> Trainer:
    arguments: Any = training_arguments(
        config, folder=folder, hardware=learner.hardware, prompt=Prompts(), metric=_METRIC
    )
    return build_trainer(
        learner,
        lessons=[lesson],
        dev=dev,
        config=config,
        arguments=arguments,
        callbacks=[Reporter(log)],
    )
