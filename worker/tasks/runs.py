"""Runs for judging: the engine ranks, training judges, and neither knows the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from molt.artifact import ArtifactError
from molt.encoder import CrossEncoder, Encoder
from molt.encoder.errors import UnsoundVectorsError
from molt.encoder.vector_cache import OnProgress
from molt.engine.indexing.passages import corpus_passages
from molt.engine.runs import DEPTH, CorpusPassages, rank_corpus
from molt.engine.search.offline import CorpusSearch, OfflineSearch, rank_offline
from molt.index.catalog.collection import Collection
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.synonyms import NO_SYNONYMS, Synonyms
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import SearchRanking
from molt.training.errors import EvaluationError
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.runs import MakeRun, Run, Runs
from molt.worker.tasks.workspace import Workspace


@dataclass(frozen=True)
class Splittings:
    """How long texts are split for each checkpoint, as they serve or would: `own`, or `usual`."""

    usual: Splitting | None = None
    own: Mapping[str, Splitting | None] = field(default_factory=dict)

    def of(self, checkpoint: str) -> Splitting | None:
        """How they are for this one."""
        return self.own.get(checkpoint, self.usual)

    def passages(self, encoder: Encoder, trial: Trial) -> CorpusPassages:
        """The corpus of a trial as an index of it would be."""
        return corpus_passages(
            encoder,
            trial.corpus.documents,
            texts=trial.corpus.texts,
            splitting=self.of(encoder.checkpoint.id),
        )


WHOLE = Splittings()
"""Every text as one."""


def splittings_of(workspace: Workspace, collection: Collection) -> Splittings:
    """As texts are split by the generation that serves, or would be by one that is made anew."""
    if collection.generation is None:
        return Splittings(collection.splitting)
    try:
        serving = GenerationStore(workspace.home.generations).read(collection.generation)
    except (ArtifactError, GenerationNotFoundError):
        return Splittings(collection.splitting)
    return Splittings(collection.splitting, {serving.checkpoint: serving.splitting})


def run_maker(cache: Path, splittings: Splittings = WHOLE) -> MakeRun:
    """What makes runs by encoders alone, with vectors kept in `cache`."""
    return partial(_make_run, cache, splittings)


@dataclass(frozen=True)
class SearchMaker:
    """Makes runs by hybrid searches over a corpus and its `words`, some of which are `synonyms`.

    Each checkpoint's search ranks as `rankings` say, re-ranked where these `cross_encoders`, or the
    encoder itself, can, and finds passages as `splittings` do.
    """

    cache: Path
    words: LexicalIndex
    rankings: Mapping[str, SearchRanking]
    splittings: Splittings = WHOLE
    cross_encoders: tuple[CrossEncoder, ...] = ()
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
        return Runs(judged, alone, ranking, self.splittings.of(encoder.checkpoint.id))

    def search(self, encoder: Encoder, trial: Trial, progress: OnProgress) -> CorpusSearch:
        """The queries of a trial over its corpus.

        Raises `EvaluationError` where the encoder's vectors cannot be ranked by.
        """
        try:
            return CorpusSearch(
                encoder,
                passages=self.splittings.passages(encoder, trial),
                words=self.words,
                queries=[query.text for query in trial.queries],
                cache=self.cache,
                cross_encoders=self.cross_encoders,
                synonyms=self.synonyms,
                progress=progress,
            )
        except UnsoundVectorsError as error:
            raise EvaluationError(str(error)) from error


def _make_run(
    cache: Path, splittings: Splittings, encoder: Encoder, trial: Trial, progress: OnProgress
) -> Runs:
    """Raises `EvaluationError` where the encoder's vectors cannot be ranked by."""
    queries = trial.queries
    try:
        found = rank_corpus(
            encoder,
            passages=splittings.passages(encoder, trial),
            queries=[query.text for query in queries],
            cache=cache,
            progress=progress,
        )
    except UnsoundVectorsError as error:
        raise EvaluationError(str(error)) from error
    run = Run(tuple(query.id for query in queries), found.rows, found.scores)
    return Runs(run, splitting=splittings.of(encoder.checkpoint.id))


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
