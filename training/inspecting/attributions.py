"""Attributions: by five methods, how much each token of a passage has to do with its similarity.

To a query whose vector stays as it is. Rollout and saliency say how much, never which way; the
others add up to a difference of similarities, or nearly. How far to believe them is
`faithfulness`'s.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from captum.attr import IntegratedGradients, Saliency
from torch import Tensor

from molt.encoder import Pooling
from molt.training.inspecting.opened import Doubles, InspectedText, KeptTokens, OpenedModel

PERMUTATIONS = 4
"""So many random orders of the tokens, each forwards and backwards, are what SHAP averages."""
STEPS = 32
SAMPLES = 256
_RIDGE = 1e-3
_KERNEL_WIDTH = 0.25


class Method(StrEnum):
    """How tokens are given scores."""

    ROLLOUT = "attention rollout"
    SALIENCY = "saliency"
    GRADIENTS = "integrated gradients"
    SHAP = "SHAP"
    LINEAR = "local linear model"


BY_GRADIENT = frozenset({Method.ROLLOUT, Method.SALIENCY, Method.GRADIENTS})
"""Those that need layers, and so cannot look into a table of token vectors."""


@dataclass(frozen=True)
class Case:
    """A passage as it was read, and the vector `(dim,)` of the query that it is compared with."""

    model: OpenedModel
    passage: InspectedText
    target: Tensor
    seed: int

    def similarities(self, kept: KeptTokens) -> Doubles:
        """The cosine `(n,)` where of the passage's tokens these are `kept` `(n, m)`."""
        return self.model.similarities(self.passage, self.target, kept)


@dataclass(frozen=True)
class Attribution:
    """The score `(m,)` of each token of a passage.

    `error` is what a method knows of how wrong it is: of integrated gradients by how much they miss
    the difference that they are to add up to, of a linear model the share of the variance that it
    leaves.
    """

    method: Method
    scores: Doubles
    error: float | None = None


def attribute(case: Case, method: Method) -> Attribution:
    """What a method says of a passage of at least one token."""
    return _METHODS[method](case)


def _rollout(case: Case) -> Attribution:
    """Attention through all layers, half of each being the token itself.

    S. Abnar and W. Zuidema, Quantifying Attention Flow in Transformers, ACL 2020, section 3.
    """
    flow: Doubles | None = None
    for layer in case.model.attentions(case.passage):
        mixed = 0.5 * layer + 0.5 * np.eye(len(layer))
        mixed /= mixed.sum(axis=1, keepdims=True)
        flow = mixed if flow is None else mixed @ flow
    if flow is None:
        raise ValueError("the model has no layers")
    by_first = case.model.checkpoint.pooling is Pooling.CLS
    pooled = flow[0] if by_first else flow.mean(axis=0)
    return Attribution(Method.ROLLOUT, np.asarray(pooled[case.passage.places]))


def _saliency(case: Case) -> Attribution:
    """The length of the gradient by each token's input embedding (Simonyan et al., 2014)."""
    embeddings, _ = case.model.embedded(case.passage)
    found = Saliency(_similarity(case)).attribute(embeddings.requires_grad_(), abs=False)
    return Attribution(Method.SALIENCY, _by_token(case, found.norm(dim=-1)))


def _gradients(case: Case) -> Attribution:
    """Gradients along the way from padding to the text (Sundararajan et al., ICML 2017)."""
    embeddings, blank = case.model.embedded(case.passage)
    found, missed = IntegratedGradients(_similarity(case)).attribute(
        embeddings,
        baselines=blank,
        n_steps=STEPS,
        internal_batch_size=8,
        return_convergence_delta=True,
    )
    scores = _by_token(case, found.sum(dim=-1))
    return Attribution(Method.GRADIENTS, scores, abs(float(missed[0])))


def _shap(case: Case) -> Attribution:
    """Shapley values by sampled orders (Lundberg and Lee, NeurIPS 2017), what is out being masked.

    `shap` seeds numpy's global generator; it is put back as it was.
    """
    m = len(case.passage.tokens)
    before = np.random.get_state()  # noqa: NPY002  that is what shap draws from
    try:
        explainer = _permutation_explainer()(
            lambda kept: case.similarities(np.asarray(kept) > 0.5),
            np.zeros((1, m)),
            seed=case.seed,
        )
        found = explainer(np.ones((1, m)), max_evals=PERMUTATIONS * (2 * m + 1), silent=True)
    finally:
        np.random.set_state(before)  # noqa: NPY002  as above
    return Attribution(Method.SHAP, np.asarray(found.values[0], np.float64))


@cache
def _permutation_explainer() -> Any:
    """That of `shap`, whose plots, which nobody asks for, warn of a matplotlib that is to come."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        from shap.explainers import PermutationExplainer  # noqa: PLC0415  seconds
    return PermutationExplainer


def _linear(case: Case) -> Attribution:
    """The weights of a ridge regression on texts with half of the tokens, near ones counting more.

    After M. Ribeiro, S. Singh and C. Guestrin, "Why Should I Trust You?", KDD 2016.
    """
    m = len(case.passage.tokens)
    kept = np.random.default_rng(case.seed).random((SAMPLES, m)) < 0.5
    kept[0] = True
    cosines = case.similarities(kept)
    distance = 1 - np.sqrt(kept.mean(axis=1))
    weight = np.sqrt(np.exp(-(distance**2) / _KERNEL_WIDTH**2))[:, None]
    design = np.column_stack([kept.astype(np.float64), np.ones(SAMPLES)])
    left, right = design * weight, cosines[:, None] * weight
    penalty = _RIDGE * np.eye(m + 1)
    penalty[-1, -1] = 0.0  # the constant is free
    fitted = np.linalg.solve(left.T @ left + penalty, left.T @ right)[:, 0]
    residual = ((right[:, 0] - left @ fitted) ** 2).sum()
    mean = (right.T @ weight).item() / float((weight**2).sum())
    spread = ((right - mean * weight) ** 2).sum()
    unexplained = float(residual / spread) if spread > 0 else 0.0
    return Attribution(Method.LINEAR, fitted[:m], unexplained)


def _similarity(case: Case) -> Callable[[Tensor], Tensor]:
    return lambda embeddings: case.model.similarity_of(embeddings, case.target)


def _by_token(case: Case, found: Tensor) -> Doubles:
    return np.asarray(found[0].detach().double().numpy()[case.passage.places])


_METHODS: Mapping[Method, Callable[[Case], Attribution]] = {
    Method.ROLLOUT: _rollout,
    Method.SALIENCY: _saliency,
    Method.GRADIENTS: _gradients,
    Method.SHAP: _shap,
    Method.LINEAR: _linear,
}
