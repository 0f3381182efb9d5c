"""MaxSim: how well the tokens of texts meet those of a query.

Pure arithmetic over token codes (Khattab & Zaharia 2020, "ColBERT", section 3.3).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder.late_interaction.token_codes import TokenCodes

_TINY = 1e-12


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


def compare_spans(
    query: TokenCodes,
    text: TokenCodes,
    spans: Iterable[tuple[int, int]],
    *,
    weights: NDArray[np.float32],
) -> Nearness:
    """Compare a query with parts of one text, by the characters at which each begins and ends.

    They follow each other. A part is the tokens that begin in it, as the whole text has them; its
    own direction is that of their mean. One without any, as where the text was not read so far, has
    NaN for both.
    """
    rows, scales = text.codes[1:].astype(np.float32), text.scales[1:]
    similarities = (rows @ query.directions.T) * scales[:, None]
    edges = np.searchsorted(text.starts, np.array(list(spans), np.int64).reshape(-1, 2))
    cosine = np.full(len(edges), np.nan, np.float32)
    maxsim = cosine.copy()
    held = edges[:, 0] < edges[:, 1]
    if held.any():
        firsts, lasts = edges[held].T
        tokens, n_tokens = np.arange(len(rows)), lasts - firsts
        inside = (tokens >= firsts[:, None]) & (tokens < lasts[:, None])
        means = inside.astype(np.float32) / n_tokens[:, None].astype(np.float32)
        lengths = np.linalg.norm((means * scales) @ rows, axis=1)
        cosine[held] = (means @ similarities[:, 0]) / np.maximum(lengths, _TINY)
        places = edges[held].ravel()
        places = places[:-1] if places[-1] == len(rows) else places
        nearest = np.maximum.reduceat(similarities[:, 1:], places, axis=0)[::2]
        maxsim[held] = nearest @ weights
    return Nearness(cosine, maxsim)
