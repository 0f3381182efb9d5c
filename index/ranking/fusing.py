"""Fusing: the candidates of a dense and a lexical leg as one ranking, by scores in [0, 1].

A convex combination of what the legs say, as S. Bruch, S. Gai and A. Ingber recommend ("An Analysis
of Fusion Functions for Hybrid Retrieval", ACM TOIS 42, 2023). Both are brought to [0, 1] by bounds
that depend on the query and not on what was found: a cosine is at most 1, a BM25 score at most its
leg's `ceiling`. So a score means the same for every query, and a leg that tells its candidates
apart, or finds all that was asked for, counts for more without that anybody weighs it. Words count
by the power 1.5 of their share: a document with half of what was asked for has less than half.

Reciprocal ranks are those of G. Cormack, C. Clarke and S. Buettcher (SIGIR 2009), over the most
that two legs can give.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.index.ranking.fusion import Fusion

_Ids = npt.NDArray[np.int64]
_Numbers = npt.NDArray[np.float64]

WORDS_POWER = 1.5
RANK_CONSTANT = 60


@dataclass(frozen=True)
class LegHits:
    """What one leg found for a query, best first: `ids` and their `scores`, `(m,)` each.

    `ceiling` is the most that it could give to any document; `whole` where it found all that there
    is, so that what is missing has nothing of it. `n_words` are asked for of a lexical one.
    """

    ids: _Ids
    scores: _Numbers
    ceiling: float = 1.0
    whole: bool = False
    n_words: int = 0

    @property
    def shares(self) -> _Numbers:
        """The scores `(m,)` as shares of the most that there could be, within [0, 1]."""
        return np.clip(self.scores / self.ceiling, 0.0, 1.0)

    @property
    def rest(self) -> float:
        """The most that a document which was not found could have."""
        return 0.0 if self.whole or not len(self.ids) else float(self.shares[-1])


@dataclass(frozen=True)
class Union:
    """What two legs say of a query's candidates, in [0, 1]: `ids` ascending, `(m,)` each.

    Of `dense` the cosine, of `lexical` the power of the share.

    Of a document that one of them did not find it says as much as of the last that it found, which
    is the most it could, or nothing where it found all there is. `n_words` are asked for.
    """

    ids: _Ids
    dense: _Numbers
    lexical: _Numbers
    n_words: int = 0


@dataclass(frozen=True)
class FusedHits:
    """A ranking: `ids` by falling `scores` in [0, 1], `(m,)` each; equal scores by rising id.

    No document that neither leg found scores more than `beyond`.
    """

    ids: _Ids
    scores: _Numbers
    beyond: float


def fuse(dense: LegHits, lexical: LegHits, fusion: Fusion) -> FusedHits:
    """One ranking of what two legs found for a query."""
    weight = fusion.weight(lexical.n_words)
    if weight is None:
        return _reciprocal(dense, lexical)
    union = unite(dense, lexical)
    beyond = weight * dense.rest + (1 - weight) * lexical.rest**WORDS_POWER
    return _ranked(union.ids, fused_scores(union, weight), beyond)


def fused_scores(union: Union, weight: float) -> _Numbers:
    """The fused score of each candidate `(m,)`, the dense leg having `weight`."""
    return weight * union.dense + (1 - weight) * union.lexical


def unite(dense: LegHits, lexical: LegHits) -> Union:
    """What both legs say of everything that either of them found."""
    ids = np.union1d(dense.ids, lexical.ids)
    return Union(ids, _said(dense, ids), _said(lexical, ids) ** WORDS_POWER, lexical.n_words)


def _said(leg: LegHits, ids: _Ids) -> _Numbers:
    said = np.full(len(ids), leg.rest)
    said[np.searchsorted(ids, leg.ids)] = leg.shares
    return said


def _reciprocal(*legs: LegHits) -> FusedHits:
    ids = np.unique(np.concatenate([leg.ids for leg in legs]))
    scores, beyond = np.zeros(len(ids)), 0.0
    for leg in legs:
        ranks = np.arange(1, len(leg.ids) + 1)
        scores[np.searchsorted(ids, leg.ids)] += 1 / (RANK_CONSTANT + ranks)
        beyond += 0.0 if leg.whole else 1 / (RANK_CONSTANT + len(leg.ids) + 1)
    most = len(legs) / (RANK_CONSTANT + 1)
    return _ranked(ids, scores / most, beyond / most)


def _ranked(ids: _Ids, scores: _Numbers, beyond: float) -> FusedHits:
    order = np.lexsort((ids, -scores))
    return FusedHits(ids[order], scores[order], beyond)
