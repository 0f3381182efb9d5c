"""MaxSim: how well the tokens of texts meet those of a query.

Pure arithmetic over token codes (Khattab & Zaharia 2020, "ColBERT", section 3.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder.late_interaction.token_codes import TokenCodes


@dataclass(frozen=True)
class Nearness:
    """How near texts are to a query, two ways; each `(n,) float32`, from -1 to 1.

    `cosine` compares the two as wholes, as dense search does. `maxsim` takes for each token of the
    query the cosine of the text's nearest token, and of these the mean by the tokens' weights.
    """

    cosine: NDArray[np.float32]
    maxsim: NDArray[np.float32]


def compare(
    query: TokenCodes, texts: Sequence[TokenCodes], *, weights: NDArray[np.float32]
) -> Nearness:
    """Compare a query, whose tokens have `weights` `(n,)` that sum to 1, with texts, at least one.

    A query without tokens has a MaxSim of 0 with everything, and so has a text without any.
    """
    rows = np.concatenate([text.codes for text in texts]).astype(np.float32)
    scales = np.concatenate([text.scales for text in texts])
    similarities = (rows @ query.directions.T) * scales[:, None]
    lengths = np.array([len(text.codes) for text in texts])
    starts = np.cumsum(lengths) - lengths
    cosine = np.ascontiguousarray(similarities[starts, 0])
    similarities[starts] = np.where(lengths > 1, -np.inf, 0.0)[:, None]
    nearest = np.maximum.reduceat(similarities[:, 1:], starts, axis=0)
    if nearest.shape[1] == 0:
        return Nearness(cosine, np.zeros_like(cosine))
    return Nearness(cosine, nearest @ weights)
