"""Losses: sentence-transformers' own, one for each objective."""

from typing import Any

from sentence_transformers.sentence_transformer import losses
from torch import nn

from molt.training.data.dataset import Task, TaskKind
from molt.training.errors import FitError
from molt.training.fit.config import CONTRASTING, Objective, ObjectiveConfig
from molt.training.fit.late_interaction import LateInteractionLoss
from molt.training.fit.learner import Learner

_IRRELEVANT_SHARE = 0.1
# Texts that answer a query lie within this cosine distance of it, others beyond.
_CONTRASTIVE_MARGIN = 0.5
_TRIPLET_MARGIN = 0.1
_INFONCE = frozenset((Objective.INFONCE, Objective.CACHED_INFONCE))
_CONTRASTIVE = {
    Objective.CONTRASTIVE: losses.ContrastiveLoss,
    Objective.ONLINE_CONTRASTIVE: losses.OnlineContrastiveLoss,
}


def choose_objective(task: Task, config: ObjectiveConfig) -> Objective:
    """The objective of a task: what is configured for its kind, or what its examples suggest."""
    if task.kind is TaskKind.POSITIVES:
        return Objective(config.positives)
    if task.kind is TaskKind.TRIPLETS:
        return Objective(config.triplets)
    if config.scored != "auto":
        return Objective(config.scored)
    irrelevant = sum(example.score == 0 for example in task.examples)
    enough = irrelevant >= _IRRELEVANT_SHARE * len(task.examples)
    return Objective.COSENT if enough else Objective.NONE


def build_loss(objective: Objective, learner: Learner, config: ObjectiveConfig) -> nn.Module:
    """The loss of an objective, with the late-interaction term where that is wanted and can be.

    Raises `FitError` for a Matryoshka dimension that vectors do not have.
    """
    loss = _pooled(objective, learner, config)
    if not config.late_interaction or objective not in CONTRASTING:
        return loss
    return LateInteractionLoss(learner, loss, weight=config.late_interaction, scale=config.scale)


def _pooled(objective: Objective, learner: Learner, config: ObjectiveConfig) -> nn.Module:
    """The loss of texts' own vectors, for every one of the Matryoshka dimensions."""
    loss = _plain(objective, learner, config)
    if not config.matryoshka:
        return loss
    width = learner.get_embedding_dimension() or 0
    for dimension in config.matryoshka:
        if not 0 < dimension <= width:
            raise FitError(f"objective.matryoshka: {dimension} is not within 1 to {width}")
    dimensions = sorted({width, *config.matryoshka}, reverse=True)
    return losses.MatryoshkaLoss(learner, loss, matryoshka_dims=dimensions)


def _plain(objective: Objective, learner: Learner, config: ObjectiveConfig) -> nn.Module:
    if objective in _INFONCE:
        return _infonce(objective, learner, config)
    if objective in _CONTRASTIVE:
        loss: nn.Module = _CONTRASTIVE[objective](learner, margin=_CONTRASTIVE_MARGIN)
        return loss
    if objective is Objective.COSENT:
        return losses.CoSENTLoss(learner, scale=config.scale)
    if objective is Objective.MARGIN_MSE:
        return losses.MarginMSELoss(learner)
    if objective is Objective.KL:
        return losses.DistillKLDivLoss(learner, temperature=1 / config.scale)
    if objective is Objective.TRIPLET:
        metric = losses.TripletDistanceMetric.COSINE
        return losses.TripletLoss(learner, distance_metric=metric, triplet_margin=_TRIPLET_MARGIN)
    raise FitError(f"there is no loss for the objective {objective.value!r}")


def _infonce(objective: Objective, learner: Learner, config: ObjectiveConfig) -> nn.Module:
    directions: dict[str, Any] = {}
    if config.symmetric:
        directions["directions"] = ("query_to_doc", "doc_to_query")
        directions["partition_mode"] = "per_direction"
    if objective is Objective.INFONCE:
        return losses.MultipleNegativesRankingLoss(learner, scale=config.scale, **directions)
    return losses.CachedMultipleNegativesRankingLoss(
        learner, scale=config.scale, mini_batch_size=config.mini_batch, **directions
    )
