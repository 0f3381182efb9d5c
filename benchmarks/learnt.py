"""Encoders that were fine-tuned for a measurement, all in as many steps; they compute in torch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from molt.encoder import Checkpoint, InputType, Lane, TokenVectors
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Example
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from molt.training.fit.config import FitConfig
from molt.training.fit.fit import fit
from molt.training.fit.fitted import RunFolder
from molt.training.fit.hardware import choose_hardware
from molt.training.fit.learner import Learner, open_learner

EXAMPLES = 2048
RUN = {"epochs": 1, "batch_size": 64, "max_length": 128, "dev_documents": 1000}
STEPS = EXAMPLES // 64
_AT_ONCE = 64
Vectors = npt.NDArray[np.float32]


def learnt_model(base: Checkpoint, *, folder: Path, scratch: Path, late_interaction: float) -> Path:
    """`base` after `EXAMPLES` of a corpus' train split; from `scratch` where it was made before.

    Raises `RuntimeError` where it ranks dev no better than the base.
    """
    dataset, _ = prepare(read_files([folder]), config=DataConfig())
    few = tuple(replace(one, examples=_few(one.examples)) for one in dataset.tasks)
    config = FitConfig.model_validate(
        {"run": RUN, "objective": {"late_interaction": late_interaction}}
    )
    run_folder = RunFolder(
        scratch / f"{folder.name}-{late_interaction:g}", scratch.parent / "cache"
    )
    fitted = fit(
        base, replace(dataset, tasks=few), config=config, run_folder=run_folder, on_event=print
    )
    if not fitted.improved:
        raise RuntimeError(f"{folder.name} teaches nothing that helps its dev queries")
    return run_folder.model


class LearntEncoder:
    """The model at `path` as late interaction asks an encoder, and the vectors of whole texts.

    Whatever it is asked of a text, that is computed once.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint, *, name: str) -> None:
        hardware = choose_hardware(device="cpu", precision="auto")
        self.checkpoint = replace(checkpoint, id=name)
        self._learner: Learner = open_learner(
            path, hardware=hardware, max_length=checkpoint.max_length
        ).eval()
        self.vocabulary = self._learner.tokenizer.get_vocab()
        self._special = np.array(self._learner.tokenizer.all_special_ids)
        self._known: dict[str, tuple[Vectors, TokenVectors]] = {}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """`(n, dim)`, L2-normalised."""
        self._learn(texts)
        found = np.stack([self._known[text][0] for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def encode_tokens(
        self, texts: Sequence[str], *, input_type: InputType, lane: Lane
    ) -> list[TokenVectors]:
        """As an encoder does; there are no prompts, and places are told by numbers of tokens."""
        del input_type, lane
        self._learn(texts)
        return [self._known[text][1] for text in texts]

    def _learn(self, texts: Sequence[str]) -> None:
        missing = sorted({text for text in texts if text not in self._known}, key=len)
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            with torch.no_grad(), self._learner.keeping_tokens() as kept:
                made = self._learner(self._learner.preprocess(part))["sentence_embedding"]
            for text, vector, states in zip(part, made.numpy(), kept, strict=True):
                ids = states.ids.numpy()
                stands = ~np.isin(ids, self._special)
                places = np.arange(len(ids)) * stands
                offsets = np.stack([places, places + stands], axis=1)
                self._known[text] = vector, TokenVectors(ids, states.vectors.numpy(), offsets)


def _few(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """As many as are learnt from, evenly drawn."""
    count = min(EXAMPLES, len(examples))
    return tuple(examples[at * len(examples) // count] for at in range(count))
