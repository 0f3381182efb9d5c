"""Runs for judging: the engine ranks, training judges, and neither knows the other."""

from functools import partial
from pathlib import Path

from molt.encoder import Encoder
from molt.encoder.errors import UnsoundVectorsError
from molt.encoder.vector_cache import OnProgress
from molt.engine.runs import rank_corpus
from molt.training.errors import EvaluationError
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.runs import MakeRun, Run


def run_maker(cache: Path) -> MakeRun:
    """What makes runs by the search that would serve, with vectors kept in `cache`."""
    return partial(_make_run, cache)


def _make_run(cache: Path, encoder: Encoder, trial: Trial, progress: OnProgress) -> Run:
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
    return Run(tuple(query.id for query in queries), found.rows, found.scores)
