"""Labelling: the queries of a collection that nobody has judged, ranked by two checkpoints."""

from collections.abc import Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

from molt.encoder import open_encoder
from molt.encoder.vector_cache import OnProgress
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judgments import Query
from molt.training.data.cleaning.text import text_key
from molt.training.data.dataset import Split
from molt.training.evaluation.evaluate import Contenders
from molt.training.evaluation.labelling import UnjudgedQuery, most_different
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.runs import MakeRun

_MOST_RANKED = 500
_MOST_NAMED = 50


def unjudged_queries(catalog: Catalog, collection: Collection) -> list[Query]:
    """Queries that no judgment is of, nor of an equal text; of many a sample, always the same."""
    queries = {query.id: query for query in catalog.judgments.queries(collection)}
    judged = {judgment.query_id for judgment in catalog.judgments.graded(collection)}
    known = {text_key(queries[query_id].text) for query_id in judged & queries.keys()}
    distinct: dict[str, Query] = {}
    for query in queries.values():
        key = text_key(query.text)
        if query.id not in judged and key not in known:
            distinct.setdefault(key, query)
    return sorted(distinct.values(), key=_drawn)[:_MOST_RANKED]


def rank_unjudged(  # noqa: PLR0913  each by name
    queries: Sequence[Query],
    trial: Trial,
    *,
    contenders: Contenders,
    cache: Path,
    make_run: MakeRun,
    progress: OnProgress,
) -> tuple[UnjudgedQuery, ...]:
    """Those of them that the first candidate ranks otherwise than the baseline, most so first.

    Raises what `open_encoder` and `make_run` raise.
    """
    if not queries or contenders.baseline is None:
        return ()
    asked = Split({query.id: query for query in queries}, {})
    on = Trial(trial.collection, trial.corpus, asked, digest=trial.digest)
    runs = []
    for checkpoint in (contenders.baseline, contenders.candidates[0]):
        with closing(open_encoder(checkpoint, cache=cache)) as encoder:
            runs.append(make_run(encoder, on, progress).judged)
    doc_ids = [document.id for document in trial.corpus.documents]
    return most_different(on.queries, *runs, doc_ids=doc_ids, n=_MOST_NAMED)


def _drawn(query: Query) -> bytes:
    return blake2b(query.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
