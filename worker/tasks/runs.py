"""Runs for judging: the engine ranks, training judges, and neither knows the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from molt.encoder import Encoder
from molt.encoder.errors import UnsoundVectorsError
from molt.encoder.vector_cache import OnProgress
from molt.engine.runs import DEPTH, rank_corpus
from molt.engine.search.offline import CorpusSearch, OfflineSearch, rank_offline
from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.synonyms import NO_SYNONYMS, Synonyms
from molt.index.ranking.ranking import SearchRanking
from molt.training.errors import EvaluationError
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.runs import MakeRun, Run, Runs


def run_maker(cache: Path) -> MakeRun:
    """What makes runs by encoders alone, with vectors kept in `cache`."""
    return partial(_make_run, cache)


@dataclass(frozen=True)
class SearchMaker:
    """Makes runs by hybrid searches over a corpus and its `words`, some of which are `synonyms`.

    Each checkpoint's search ranks as `rankings` say.
    """

    cache: Path
    words: LexicalIndex
    rankings: Mapping[str, SearchRanking]
    synonyms: Synonyms = NO_SYNONYMS

    def __call__(self, encoder: Encoder, trial: Trial, progress: OnProgress) -> Runs:
        """As every maker of runs."""
        search = self.search(encoder, trial, progress)
        query_ids = tuple(query.id for query in trial.queries)
        ranking = self.rankings[encoder.checkpoint.id]
        dense = search.dense
        alone = Run(query_ids, dense.rows[:, :DEPTH], dense.scores[:, :DEPTH])
        stage = f"searches by {encoder.checkpoint.id}"
        judged = _run(search, query_ids, ranking, stage=stage, progress=progress)
        return Runs(judged, alone, ranking)

    def search(self, encoder: Encoder, trial: Trial, progress: OnProgress) -> CorpusSearch:
        """The queries of a trial over its corpus.

        Raises `EvaluationError` where the encoder's vectors cannot be ranked by.
        """
        try:
            return CorpusSearch(
                encoder,
                texts=trial.corpus.texts,
                words=self.words,
                queries=[query.text for query in trial.queries],
                cache=self.cache,
                synonyms=self.synonyms,
                progress=progress,
            )
        except UnsoundVectorsError as error:
            raise EvaluationError(str(error)) from error


def _make_run(cache: Path, encoder: Encoder, trial: Trial, progress: OnProgress) -> Runs:
    """Raises `EvaluationError` where the encoder's vectors cannot be ranked by."""
    queries = trial.queries
    try:
        found = rank_corpus(
            encoder,
            texts=trial.corpus.texts,
            queries=[query.text for query in queries],
            cache=cache,
            progress=progress,
        )
    except UnsoundVectorsError as error:
        raise EvaluationError(str(error)) from error
    return Runs(Run(tuple(query.id for query in queries), found.rows, found.scores))


def _run(
    search: OfflineSearch,
    query_ids: tuple[str, ...],
    ranking: SearchRanking,
    *,
    stage: str,
    progress: OnProgress,
) -> Run:
    rows = np.full((len(query_ids), DEPTH), -1, np.int32)
    scores = np.zeros((len(query_ids), DEPTH), np.float32)
    for at in range(len(query_ids)):
        progress(stage, at, len(query_ids))
        found = rank_offline(search, at, ranking)
        ids, own = found.ids[:DEPTH], found.scores[:DEPTH]
        rows[at, : len(ids)], scores[at, : len(ids)] = ids, own
    progress(stage, len(query_ids), len(query_ids))
    return Run(query_ids, rows, scores)
