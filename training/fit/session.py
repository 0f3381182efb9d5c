"""A session: everything that one run needs, put together, from top to bottom."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from transformers import TrainerCallback, set_seed

from molt.encoder import Checkpoint, InputType
from molt.encoder.content import is_static
from molt.encoder.vector_cache import encode_documents
from molt.index.segments.exact import Vectors
from molt.training.data.dataset import Dataset
from molt.training.errors import FitError
from molt.training.fit.batches import Batches, BatchPlan
from molt.training.fit.config import CONTRASTING, DISTILLING, FitConfig, Objective
from molt.training.fit.dev import DevEvaluator, DevSet, sample_dev
from molt.training.fit.embedding import (
    Embedding,
    EncoderEmbedding,
    LearnerEmbedding,
    opened,
)
from molt.training.fit.fitted import Fitted, RunFolder
from molt.training.fit.hardware import choose_hardware, use_all_cores
from molt.training.fit.late_interaction import LATE_INTERACTION
from molt.training.fit.layers import add_adapters, freeze, merge_adapters, set_dropout
from molt.training.fit.learner import Learner, open_learner
from molt.training.fit.losses import build_loss, choose_objective
from molt.training.fit.negatives import Mined, knowledge_of, mine
from molt.training.fit.progress import EventLog, Reporter, TrainingEvent
from molt.training.fit.remining import Remining
from molt.training.fit.rows import RowOrder
from molt.training.fit.states import last_state
from molt.training.fit.teaching import Teacher
from molt.training.fit.trainer import Lesson, Trainer, build_trainer, training_arguments

if TYPE_CHECKING:
    from peft import PeftModel

STATES_FOLDER = "states"
_JUDGED = frozenset(("judgments", "grades"))


class Session:
    """A run with everything it needs at hand."""

    def __init__(  # noqa: PLR0913, PLR0917  made in one place
        self,
        base: Checkpoint,
        dataset: Dataset,
        config: FitConfig,
        run_folder: RunFolder,
        log: EventLog,
        teacher: Teacher | None,
    ) -> None:
        self._dataset = dataset
        self._config = config
        self._run_folder = run_folder
        self._log = log
        self._base = base
        self._knowledge = knowledge_of(dataset.train, dataset.tasks, dataset.corpus)
        self._rows = _rows(dataset, config, teacher)
        self._dev = self._look_at_base()
        self._learner = self._open()
        self._adapted: PeftModel | None = None
        self._log(TrainingEvent("dev of the base"))
        self._base_ndcg10 = self._dev.ndcg10(LearnerEmbedding(self._learner))
        self._log(TrainingEvent("dev", ndcg10=self._base_ndcg10))

    def train(self) -> Trainer:
        """Train until the epochs are over or dev gets no better; the best weights are loaded."""
        config = self._config
        states = self._run_folder.folder / STATES_FOLDER
        learner = self._learner
        if config.lora.rank:
            self._adapted = add_adapters(learner, config.lora)
        else:
            freeze(learner, config.freezing, epoch=0)
        callbacks: list[TrainerCallback] = [Reporter(self._log)]
        if config.negatives.remine:
            wanting = [rows for rows in self._rows if rows.wants_negatives]
            callbacks.append(Remining(wanting, mine=self._mine_again, folder=states))
        trainer = build_trainer(
            learner,
            lessons=self._lessons(),
            dev=DevEvaluator(self._dev),
            config=config,
            arguments=training_arguments(
                config, folder=states, hardware=learner.hardware, prompt=self._base.prompts
            ),
            callbacks=callbacks,
        )
        found = last_state(states)
        use_all_cores()
        trainer.train(resume_from_checkpoint=None if found is None else str(found))
        return trainer

    def finish(self, trainer: Trainer, *, began: float) -> Fitted:
        """Write the best model, if it is better than the base."""
        history = trainer.state.log_history
        dev = [entry["eval_ndcg10"] for entry in history if "eval_ndcg10" in entry]
        best = max(dev, default=0.0)
        better = best > self._base_ndcg10
        if better:
            if self._adapted is not None:
                merge_adapters(self._adapted)
            self._learner.max_seq_length = self._base.max_length
            self._learner.save_pretrained(str(self._run_folder.model), create_model_card=False)
        return Fitted(
            base_ndcg10=self._base_ndcg10,
            ndcg10=tuple(dev),
            best_epoch=dev.index(best) + 1 if better else 0,
            losses=_by_step(history, "loss"),
            examples=sum(len(rows.task.examples) for rows in self._rows),
            seconds=round(time.monotonic() - began, 1),
            late_interaction=_by_step(history, LATE_INTERACTION),
        )

    def _look_at_base(self) -> DevSet:
        """Mine with the base as it is served, and choose what dev is ranked against."""
        dataset, config = self._dataset, self._config
        self._log(TrainingEvent("negatives"))
        with opened(self._base, self._run_folder.cache) as encoder:
            embedding = EncoderEmbedding(encoder)
            documents = encode_documents(
                encoder, dataset.corpus.texts, cache=self._run_folder.cache
            )
            texts = [query.text for query in dataset.dev.queries.values()]
            queries = embedding(texts, InputType.QUERY)
            for rows in self._rows:
                if rows.wants_negatives and config.negatives.per_query:
                    rows.mined = self._mine(rows, embedding, documents=documents, epoch=0)
        return sample_dev(
            dataset.dev,
            dataset.corpus,
            documents=documents,
            queries=queries,
            size=config.run.dev_documents,
            seed=config.run.seed,
        )

    def _open(self) -> Learner:
        if is_static(self._base.path):
            raise FitError(
                f"{self._base.id} is a static embedding and has no layers; fit the checkpoint that "
                f"it was made from ({self._base.parent or 'unknown'}) and distil that again"
            )
        run = self._config.run
        set_seed(run.seed)
        hardware = choose_hardware(device=run.device, precision=run.precision)
        length = min(run.max_length or self._base.max_length, self._base.max_length)
        learner = open_learner(self._base.path, hardware=hardware, max_length=length)
        if run.dropout != "model":
            set_dropout(learner, run.dropout)
        return learner

    def _lessons(self) -> list[Lesson]:
        return [
            Lesson(
                name=rows.task.name,
                rows=rows.dataset,
                batches=Batches(rows, plan=self._plan(rows), knowledge=self._knowledge),
                loss=build_loss(rows.objective, self._learner, self._config.objective),
            )
            for rows in self._rows
        ]

    def _plan(self, rows: RowOrder) -> BatchPlan:
        run = self._config.run
        size = len(rows.task.examples)
        judged = sum(len(r.task.examples) for r in self._rows if r.task.name in _JUDGED)
        if judged and rows.task.name not in _JUDGED:
            size = min(size, max(1, int(run.pairs_ratio * judged)))
        return BatchPlan(
            rows_per_epoch=size,
            batch_size=run.batch_size,
            curriculum_epochs=max(1, run.epochs // 2) if run.curriculum else 0,
            seed=run.seed,
        )

    def _mine_again(self, rows: RowOrder, embedding: Embedding, epoch: int) -> Mined:
        documents = embedding(self._dataset.corpus.texts, InputType.DOCUMENT)
        return self._mine(rows, embedding, documents=documents, epoch=epoch)

    def _mine(
        self, rows: RowOrder, embedding: Embedding, *, documents: Vectors, epoch: int
    ) -> Mined:
        return mine(
            rows.task.examples,
            corpus=self._dataset.corpus,
            documents=documents,
            embedding=embedding,
            knowledge=self._knowledge,
            config=self._config.negatives,
            seed=self._config.run.seed + epoch,
        )


def _by_step(history: Sequence[Mapping[str, float]], name: str) -> tuple[tuple[int, float], ...]:
    """What the trainer logged under a name; NaN where no step since the last time had it."""
    return tuple(
        (int(entry["step"]), entry[name])
        for entry in history
        if name in entry and not math.isnan(entry[name])
    )


def _rows(dataset: Dataset, config: FitConfig, teacher: Teacher | None) -> list[RowOrder]:
    """The tasks that have an objective. Raises `FitError` where none has."""
    chosen = [(task, choose_objective(task, config.objective)) for task in dataset.tasks]
    found = [
        RowOrder(task, objective, dataset.corpus, teacher if objective in DISTILLING else None)
        for task, objective in chosen
        if objective is not Objective.NONE and task.examples
    ]
    if not found:
        names = ", ".join(task.name for task in dataset.tasks) or "none"
        raise FitError(f"nothing to learn from: the tasks are {names}, and each objective is none")
    if config.objective.late_interaction and not any(one.objective in CONTRASTING for one in found):
        raise FitError(
            "objective.late_interaction compares texts that answer a query with others, and there "
            "are none to learn from: bring positives or triplets, or set it to 0"
        )
    return found
