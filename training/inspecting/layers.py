"""Layer by layer: how the similarity of judged pairs comes apart from that of random ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from molt.encoder import InputType
from molt.training.inspecting.corpus import InspectedCorpus
from molt.training.inspecting.opened import OpenedModel

MOST_PAIRS = 150


@dataclass(frozen=True)
class LayerSeparation:
    """After a layer, 0 being the input embeddings: the mean cosine of judged and of random pairs.

    `auc` is how often a judged pair is more similar than a random one; 0.5 is chance.
    """

    layer: int
    auc: float
    judged: float
    random: float


def separation(model: OpenedModel, corpus: InspectedCorpus, *, seed: int) -> list[LayerSeparation]:
    """Of each layer, over up to 150 judged pairs and as many of the same queries with others."""
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(corpus.pairs))[:MOST_PAIRS]
    pairs = [corpus.pairs[at] for at in sorted(chosen.tolist())]
    others = [_another(corpus, one.query, random) for one in pairs]
    if not pairs or None in others:
        return []
    queries = model.layers([one.query for one in pairs], InputType.QUERY)
    judged = model.layers([corpus.texts[one.row] for one in pairs], InputType.DOCUMENT)
    apart = model.layers(
        [corpus.texts[row] for row in others if row is not None], InputType.DOCUMENT
    )
    near, far = (np.einsum("lnd,lnd->ln", queries, other) for other in (judged, apart))
    return [
        LayerSeparation(at, area(one, other), float(one.mean()), float(other.mean()))
        for at, (one, other) in enumerate(zip(near, far, strict=True))
    ]


def area(higher: NDArray[np.floating], lower: NDArray[np.floating]) -> float:
    """The area under the ROC curve: how often one of `higher` is above one of `lower`, ties half.

    By ranks, as the statistic of Mann and Whitney (1947).
    """
    ranks = rankdata(np.concatenate([higher, lower]))[: len(higher)]
    return float((ranks.sum() - len(higher) * (len(higher) + 1) / 2) / (len(higher) * len(lower)))


def _another(corpus: InspectedCorpus, query: str, random: np.random.Generator) -> int | None:
    """A document that nobody called relevant to the query; None where there is none."""
    relevant = corpus.relevant_to(query)
    for row in random.permutation(len(corpus.texts))[: len(relevant) + 1].tolist():
        if row not in relevant:
            return int(row)
    return None


def best_layer(layers: Sequence[LayerSeparation]) -> LayerSeparation:
    """The one that tells most apart; the first of equals."""
    return max(layers, key=lambda one: one.auc)
