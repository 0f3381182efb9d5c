"""Planting: candidates whose worth is known by how their weights are made."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from molt.training.data.dataset import Example
from molt.training.fit.learner import Learner

BETTER, SHUFFLED, RANDOM, WORSE, HOLED = (
    "better",
    "labels shuffled",
    "random weights",
    "mildly worse",
    "NaN",
)
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Planted:
    """A candidate: of which kind, and its weights. Those of `BETTER` are to be accepted."""

    kind: str
    weights: Weights


def planted(
    base: Weights, *, trained: Weights, shuffled: Weights, good: int, each: int
) -> Iterator[Planted]:
    """`good` candidates that are better, and `each` of every kind that is not; one at a time."""
    for share in np.linspace(0.7, 1.2, good):
        yield Planted(BETTER, mixed(base, trained, float(share)))
    for share in np.linspace(0.4, 1.0, each):
        yield Planted(SHUFFLED, mixed(base, shuffled, float(share)))
    for seed in range(each):
        yield Planted(RANDOM, noisy(base, scale=1.0, seed=seed, kept=0.0))
    for seed, scale in enumerate(np.linspace(0.1, 0.16, each)):  # less may help, too
        yield Planted(WORSE, noisy(base, scale=float(scale), seed=seed))
    for place in np.linspace(0.0, 1.0, each, endpoint=False):
        yield Planted(HOLED, holed(base, place=float(place)))


def mixed(base: Weights, other: Weights, share: float) -> Weights:
    """The way from one model to another (Wortsman et al. 2022, WiSE-FT)."""
    return {
        name: value + share * (other[name] - value) if value.is_floating_point() else value
        for name, value in base.items()
    }


def noisy(base: Weights, *, scale: float, seed: int, kept: float = 1.0) -> Weights:
    """`kept` of each matrix, and noise of `scale` times its own deviation."""
    random = torch.Generator().manual_seed(seed)
    return {
        name: kept * value + scale * value.std() * torch.randn(value.shape, generator=random)
        if value.dim() == 2
        else value
        for name, value in base.items()
    }


def holed(base: Weights, *, place: float) -> Weights:
    """One weight of one layer is no number; `place` is from 0, the first layer, to below 1."""
    names = [name for name, value in base.items() if value.dim() == 2 and ".layer." in name]
    holed = copy.deepcopy(base)
    holed[names[int(place * len(names))]][0, 0] = float("nan")
    return holed


def shuffled_weights(
    learner: Learner, base: Weights, examples: Sequence[Example], *, steps: int
) -> Weights:
    """What some steps of InfoNCE towards other queries' answers make of the base."""
    learner.load_state_dict(base)
    learner.train()
    loss = MultipleNegativesRankingLoss(learner)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=5e-5)
    random = np.random.default_rng(0)
    for _ in range(steps):
        rows = random.choice(len(examples), 32, replace=False)
        answers = random.permutation(rows)
        columns = [
            [examples[row].query for row in rows],
            [examples[row].document for row in answers],
        ]
        features = [
            {k: v for k, v in learner.preprocess(texts).items() if k != "modality"}
            for texts in columns
        ]
        loss(features, None).backward()
        optimiser.step()
        optimiser.zero_grad()
    learner.eval()
    return copy.deepcopy(learner.state_dict())
