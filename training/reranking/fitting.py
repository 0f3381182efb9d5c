"""Fitting a cross-encoder: one run, which goes on after the last whole epoch when called again.

What it writes lies in the run's folder: events, a state after each epoch, and in the end the model
of the best one and `fitted.json`, which a later call returns at once.
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import get_scheduler, set_seed

from molt.artifact import write_atomically
from molt.encoder import Checkpoint
from molt.training.fit.config import FitConfig
from molt.training.fit.fitted import Fitted, RunFolder, read_fitted
from molt.training.fit.hardware import choose_hardware, use_all_cores
from molt.training.fit.layers import freeze, parameter_groups
from molt.training.fit.progress import EventLog, OnEvent, TrainingEvent
from molt.training.reranking.candidates import RankedTrial
from molt.training.reranking.groups import PairGroup
from molt.training.reranking.pair_learner import PairLearner

_FITTED = "fitted.json"
_STATE = "state.pt"
_LOG_STEPS = 5


def fit_cross_encoder(  # noqa: PLR0913  each by name
    base: Checkpoint,
    groups: Sequence[PairGroup],
    *,
    dev: RankedTrial,
    config: FitConfig,
    run_folder: RunFolder,
    on_event: OnEvent,
) -> Fitted:
    """Fit a head and the layers of `base` to groups; the best epoch lies at `run_folder.model`.

    Best is the one whose scores re-rank `dev` best. Raises `FitError` for hardware that is missing.
    """
    done = run_folder.folder / _FITTED
    if done.exists():
        return read_fitted(done)
    fitted = PairFitting(base, groups, dev, config, run_folder, on_event).finish()
    write_atomically(done, json.dumps(asdict(fitted), indent=1).encode())
    (run_folder.folder / _STATE).unlink(missing_ok=True)
    return fitted


class PairFitting:
    """A run with everything it needs at hand."""

    def __init__(  # noqa: PLR0913, PLR0917  made in one place
        self,
        base: Checkpoint,
        groups: Sequence[PairGroup],
        dev: RankedTrial,
        config: FitConfig,
        run_folder: RunFolder,
        on_event: OnEvent,
    ) -> None:
        self._groups = groups
        self._dev = dev.sampled(pairs=config.cross_encoder.dev_pairs)
        self._config = config
        self._run_folder = run_folder
        self._log = EventLog(run_folder.folder / "events.jsonl", on_event)
        self._began = time.monotonic()
        set_seed(config.run.seed)
        self._learner = PairLearner(
            base,
            hardware=choose_hardware(device=config.run.device, precision=config.run.precision),
            max_length=min(config.run.max_length or base.max_length, base.max_length),
            dropout=config.run.dropout,
        )
        self._steps = math.ceil(len(groups) / config.cross_encoder.batch_size)
        self._optimiser, self._schedule = self._optimisation()
        self._ndcg10: list[float] = []
        self._losses: list[tuple[int, float]] = []
        self._base_ndcg10 = self._dev.ndcg10(self._dev.run)

    def finish(self) -> Fitted:
        """Train until the epochs are over or dev gets no better."""
        self._log(TrainingEvent("dev", ndcg10=self._base_ndcg10))
        self._resume()
        use_all_cores()
        while len(self._ndcg10) < self._config.run.epochs and not self._is_stuck():
            self._epoch(len(self._ndcg10))
        best = max(self._ndcg10)
        better = best > self._base_ndcg10
        return Fitted(
            base_ndcg10=self._base_ndcg10,
            ndcg10=tuple(self._ndcg10),
            best_epoch=self._ndcg10.index(best) + 1 if better else 0,
            losses=tuple(self._losses),
            examples=len(self._groups),
            seconds=round(time.monotonic() - self._began, 1),
        )

    def _epoch(self, epoch: int) -> None:
        """Learn every group once, in an order that depends on seed and epoch alone."""
        freeze(self._learner.model, self._config.freezing, epoch=epoch)
        order = np.random.default_rng((self._config.run.seed, epoch)).permutation(len(self._groups))
        size, recent = self._config.cross_encoder.batch_size, []
        self._learner.model.train()
        for step, start in enumerate(range(0, len(order), size), epoch * self._steps + 1):
            recent.append(self._step([self._groups[at] for at in order[start : start + size]]))
            if step % _LOG_STEPS == 0:
                self._tell(step, sum(recent) / len(recent))
                recent.clear()
        self._end_epoch(epoch)

    def _step(self, groups: Sequence[PairGroup]) -> float:
        pairs = [(group.query, text) for group in groups for text in group.texts]
        logits = self._learner.logits(pairs).reshape(len(groups), -1)
        loss = pair_loss(logits, kind=self._config.cross_encoder.loss)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(
            self._learner.model.parameters(), self._config.optimiser.max_grad_norm
        )
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()
        return float(loss.detach())

    def _end_epoch(self, epoch: int) -> None:
        """Rank dev again; keep the model where it is the best so far, and a state in any case."""
        value = self._dev.ndcg10(self._dev.reranked(self._learner.score))
        if value > max([self._base_ndcg10, *self._ndcg10]):
            rmtree(self._run_folder.model, ignore_errors=True)
            self._learner.save(self._run_folder.model)
        self._ndcg10.append(value)
        self._log(TrainingEvent("dev", epoch=epoch + 1.0, ndcg10=value))
        self._keep_state()

    def _tell(self, step: int, loss: float) -> None:
        self._losses.append((step, loss))
        steps = self._steps * self._config.run.epochs
        left = (time.monotonic() - self._began) / step * (steps - step)
        self._log(
            TrainingEvent(
                "training",
                step=step,
                steps=steps,
                epoch=round(step / self._steps, 3),
                loss=loss,
                seconds_left=round(left, 1),
            )
        )

    def _is_stuck(self) -> bool:
        """Whether so many epochs as `run.patience` have passed since the best one."""
        if not self._ndcg10:
            return False
        since = len(self._ndcg10) - 1 - self._ndcg10.index(max(self._ndcg10))
        return since >= self._config.run.patience

    def _optimisation(self) -> tuple[torch.optim.Optimizer, Any]:
        optimiser = self._config.optimiser
        made = torch.optim.AdamW(parameter_groups(self._learner.model, optimiser))
        steps = self._steps * self._config.run.epochs
        warmup = round(optimiser.warmup * steps)
        return made, get_scheduler(
            optimiser.schedule, made, num_warmup_steps=warmup, num_training_steps=steps
        )

    def _keep_state(self) -> None:
        state = {
            "model": self._learner.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": torch.get_rng_state(),
            "ndcg10": self._ndcg10,
            "losses": [list(one) for one in self._losses],
        }
        working = self._state_path.with_suffix(".partial")
        torch.save(state, working)
        working.rename(self._state_path)

    def _resume(self) -> None:
        if not self._state_path.exists():
            return
        state = torch.load(self._state_path, weights_only=True)
        self._learner.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self._ndcg10 = state["ndcg10"]
        self._losses = [(int(step), float(loss)) for step, loss in state["losses"]]

    @property
    def _state_path(self) -> Path:
        return self._run_folder.folder / _STATE


def pair_loss(logits: Tensor, *, kind: str) -> Tensor:
    """The loss of logits `(groups, texts)`, of which the first of each group is the answer's.

    `listwise` is cross-entropy of a softmax over the group (Gao, Dai and Callan 2021, "Rethink
    Training of BERT Rerankers in Multi-Stage Retrieval Pipeline"); it knows differences alone, so
    binary cross-entropy beside it holds a score to what it means.
    """
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1
    each = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    if kind == "bce":
        return each
    answers = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    return nn.functional.cross_entropy(logits, answers) + each
