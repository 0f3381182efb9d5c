"""The trainer: sentence-transformers' own, with Molt's batches, layers and negatives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict
from safetensors.torch import load_model, save_model
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.evaluation import BaseEvaluator
from torch import nn
from torch.utils.data import BatchSampler
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback

from molt.encoder import Prompts
from molt.training.fit.config import FitConfig
from molt.training.fit.dev import METRIC
from molt.training.fit.hardware import Hardware
from molt.training.fit.layers import Thawing, parameter_groups
from molt.training.fit.learner import Learner
from molt.training.fit.rows import prompts
from molt.training.fit.states import Saving

_LOG_STEPS = 5
_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Lesson:
    """One task to learn: its rows, how they come, and the loss."""

    name: str
    rows: Dataset
    batches: BatchSampler
    loss: nn.Module


class Trainer(SentenceTransformerTrainer):
    """Learns every task at once, each with its own loss."""

    def __init__(
        self, learner: Learner, *, lessons: Sequence[Lesson], config: FitConfig, **more: Any
    ) -> None:
        self._lessons = lessons
        self._config = config
        super().__init__(
            learner,
            train_dataset=DatasetDict({one.name: one.rows for one in lessons}),
            loss={one.name: one.loss for one in lessons},
            **more,
        )

    def get_batch_sampler(self, dataset: Any, *args: Any, **more: Any) -> BatchSampler:  # noqa: ARG002
        """The batches of the task whose dataset it is."""
        return next(one.batches for one in self._lessons if one.rows is dataset)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over groups by layer."""
        if self.optimizer is None:
            groups = parameter_groups(model or self.model, self._config.optimiser)
            self.optimizer = torch.optim.AdamW(groups, fused=True)
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ARG002
        """The weights alone, adapters as they are; the rest is known."""
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_model(self.model, str(folder / _WEIGHTS))

    def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:  # noqa: ARG002
        load_model(self.model, str(Path(checkpoint_path) / _WEIGHTS))

    def _load_best_model(self) -> None:
        if self.state.best_model_checkpoint is not None:
            self._load_from_checkpoint(self.state.best_model_checkpoint)


def training_arguments(
    config: FitConfig, *, folder: Path, hardware: Hardware, prompt: Prompts, metric: str = METRIC
) -> SentenceTransformerTrainingArguments:
    """The trainer's arguments for a run in `folder`, whose best epoch has the highest `metric`."""
    run, optimiser = config.run, config.optimiser
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=run.epochs,
        per_device_train_batch_size=run.batch_size,
        learning_rate=optimiser.learning_rate,
        lr_scheduler_type=optimiser.schedule,
        warmup_steps=optimiser.warmup,
        max_grad_norm=optimiser.max_grad_norm,
        seed=run.seed,
        use_cpu=hardware.device == "cpu",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model=metric,
        greater_is_better=True,
        logging_steps=_LOG_STEPS,
        restore_callback_states_from_checkpoint=True,
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=hardware.device == "cuda",
        prompts=prompts(prompt.of),
    )


def build_trainer(  # noqa: PLR0913  each by name
    learner: Learner,
    *,
    lessons: Sequence[Lesson],
    dev: BaseEvaluator,
    config: FitConfig,
    arguments: SentenceTransformerTrainingArguments,
    callbacks: Sequence[TrainerCallback],
) -> Trainer:
    """A trainer that stops early, keeps the best epoch, and can go on after a kill."""
    own: list[TrainerCallback] = [
        EarlyStoppingCallback(early_stopping_patience=config.run.patience),
        Saving(config.run.save_steps),
    ]
    if config.freezing.layers or config.freezing.embeddings:
        own.append(Thawing(config.freezing))
    trainer = Trainer(
        learner,
        lessons=lessons,
        config=config,
        args=arguments,
        evaluator=dev,
        callbacks=[*own, *callbacks],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer
