"""Relevance: how near a text is to a query, as one number that means the same for every query."""

import numpy as np
from numpy.typing import NDArray

from molt.encoder.late_interaction.maxsim import Nearness

COSINE, MAXSIM, OFFSET = 5.1, 7.2, -7.1
"""By logistic regression of judged relevance on both scores, over the 50 best documents by the
built-in encoder of queries of five test collections, relevant ones and others counting alike."""


def relevance_logits(nearness: Nearness) -> NDArray[np.float32]:
    """The log-odds `(n,) float32` that each text answers the query, by both of its scores."""
    logits = COSINE * nearness.cosine + MAXSIM * nearness.maxsim + OFFSET
    return np.asarray(logits, dtype=np.float32)


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What log-odds mean, from 0 to 1."""
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)
