"""Runs, as TREC calls them: the ranking of each query that is judged. Made elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from molt.encoder import Encoder
from molt.encoder.vector_cache import OnProgress
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import SearchRanking

if TYPE_CHECKING:
    from molt.training.evaluation.measurement import Trial


@dataclass(frozen=True)
class Run:
    """For each query the documents' places in the corpus, best first.

    `rows` `(n, depth) int32` and their `scores` `(n, depth) float32`; equal scores by rising row.
    Where a query finds fewer, the rows behind them are -1.
    """

    query_ids: tuple[str, ...]
    rows: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Runs:
    """What is judged: an encoder's own run, or that of a whole search that ranks by `ranking`.

    Of the latter `alone` is what its encoder ranks alone. `splitting` says how long texts were
    split, None for not at all.
    """

    judged: Run
    alone: Run | None = None
    ranking: SearchRanking | None = None
    splitting: Splitting | None = None


MakeRun = Callable[[Encoder, "Trial", OnProgress], Runs]
"""What ranks the queries of a trial with an encoder, as the search that would serve."""
