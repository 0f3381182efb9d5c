"""Tuning a search: the fusion and the re-ranker by which dev queries are ranked best.

The engine ranks and `index.ranking` decides; here they meet. Moves no pointer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from molt.encoder import open_encoder
from molt.encoder.vector_cache import OnProgress, quiet
from molt.engine.encoders import Encoders
from molt.engine.live.pair import Live, Pairs
from molt.engine.search.offline import LiveSearch, OfflineSearch
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.split_name import SplitName
from molt.index.generations.generation import GenerationStore
from molt.index.lexical.analysis import read_analysis
from molt.index.lexical.commit import LexicalStore
from molt.index.lexical.schema import field_weights
from molt.index.ranking.field_weights import FieldWeights
from molt.index.ranking.fusing import fused_scores, unite
from molt.index.ranking.fusion import UNTUNED_WEIGHT, Fusion, adapted
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking
from molt.index.ranking.rerank_tuning import JudgedHead, TunedReranker, tune_reranker
from molt.index.ranking.reranking import Reranking
from molt.index.ranking.tuning import (
    FACTORS,
    JudgedQueries,
    JudgedUnion,
    TunedWeights,
    judged_union,
)
from molt.index.selection.expiring import wall_clock
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Split
from molt.training.material import data_configs, prepare_collection
from molt.worker.tasks.cross_encoders import opened_cross_encoders, sharing_split
from molt.worker.tasks.workspace import Workspace

FEWEST_QUERIES = 10
"""Of fewer judged queries nothing is learnt."""
MOST_QUERIES = 2_000
MOST_SEARCHES = 20_000
"""Each query is searched for by each weight of each field."""
MOST_RERANKED = 200
"""So many queries are looked at, and with the re-ranker: more would take long and tell little."""

Grades = Mapping[int, int]
"""What a query's documents are graded, by the numbers that a search knows them by."""


@dataclass(frozen=True)
class TriedReranker:
    """A re-ranker that was tried on dev, and what came of it."""

    wanted: Reranking
    tuned: TunedReranker

    @property
    def reranking(self) -> Reranking | None:
        """By what searches are re-ranked from now on; None where that is not worth its time."""
        weight = self.tuned.weight
        return None if weight is None else replace(self.wanted, weight=weight)

    def to_json(self) -> dict[str, Any]:
        """It as a job's result and a report have it."""
        model = {} if self.wanted.model is None else {"model": self.wanted.model}
        return {"kind": self.wanted.kind.value, **model, **asdict(self.tuned)}


@dataclass(frozen=True)
class SearchTuning:
    """How a search that ranked by `former` is to rank, over so many judged queries of dev.

    `ndcg10` are means: of either leg, of both fused as by default, by the tuned weight, and with
    each query by the weight that others chose. `rerankers` are all that were tried. `reason` says
    why nothing was tuned.
    """

    queries: int
    former: SearchRanking
    ranking: SearchRanking
    ndcg10: Mapping[str, float] = field(default_factory=dict)
    rerankers: tuple[TriedReranker, ...] = ()
    reason: str | None = None

    @property
    def changed(self) -> bool:
        """Would searches rank otherwise?"""
        return self.ranking != self.former

    @property
    def reranker(self) -> TriedReranker | None:
        """The one that is chosen, or of those that are not worth their time the best."""
        return max(
            self.rerankers,
            key=lambda one: (one.reranking is not None, one.tuned.reranked),
            default=None,
        )

    def to_json(self) -> dict[str, Any]:
        """It as a job's result and a report have it."""
        return {
            "queries": self.queries,
            "ndcg10": dict(self.ndcg10),
            "reranker": None if self.reranker is None else self.reranker.to_json(),
            "rerankers": [one.to_json() for one in self.rerankers],
            "former": self.former.describe(),
            "ranking": self.ranking.describe(),
            "changed": self.changed,
            "reason": self.reason,
        }


def untuned(former: SearchRanking, *, queries: int, reason: str) -> SearchTuning:
    """Nothing is changed, for this reason."""
    return SearchTuning(queries, former, former, reason=reason)


def too_few(queries: int) -> str | None:
    """What is told where the judged queries of dev are too few to tune by."""
    if queries >= FEWEST_QUERIES:
        return None
    return (
        f"the dev split has {queries} judged queries, too few to tune a search by: import "
        f"judgments of at least {FEWEST_QUERIES - queries} more queries for that split"
    )


def spread(split: Split, *, most: int = MOST_QUERIES) -> list[str]:
    """The ids of at most so many queries, evenly spread over all of a split in their order."""
    ids = sorted(split.queries)
    return [ids[at] for at in _places(len(ids), most=most)]


def most_queries(collection: Collection) -> int:
    """How many queries the searches of a collection are tuned by, as many fields as it has."""
    fields = field_weights(read_analysis(collection.analysis))
    return min(MOST_QUERIES, MOST_SEARCHES // (1 + (len(FACTORS) - 1) * len(fields)))


def tune_search(
    search: OfflineSearch,
    judged: Sequence[Grades],
    *,
    former: SearchRanking,
    progress: OnProgress = quiet,
) -> SearchTuning:
    """The ranking for queries like these, each of which has a relevant document."""
    found = _Found(search, judged, progress)
    queries = JudgedQueries(found.unions, search.fields)
    tuned = queries.tune()
    means = {
        "dense": queries.mean(1.0),
        "lexical": queries.mean(0.0),
        "hybrid": queries.mean(UNTUNED_WEIGHT),
        "tuned": queries.mean(tuned.dense, tuned.fields),
        "cross_validated": queries.cross_validated(),
    }
    tried = found.tried(search.rescoring.rerankers, tuned)
    tuning = SearchTuning(len(judged), former, former, means, tried)
    chosen = None if tuning.reranker is None else tuning.reranker.reranking
    return replace(tuning, ranking=SearchRanking(Fusion(dense=tuned.dense), chosen, tuned.fields))


def tune_collection(
    workspace: Workspace, name: str, *, data: DataConfig, progress: OnProgress
) -> SearchTuning:
    """Tune the searches of a collection by its dev queries and what serves it; moves nothing.

    Raises `CollectionNotFoundError`, `TrainingError` for data that cannot be used, `LexicalError`
    where words cannot be asked, and what opening the pair raises.
    """
    active = workspace.active(name)
    with (
        workspace.using(active),
        workspace.catalog() as catalog,
        opened_cross_encoders(workspace, name) as scorers,
    ):
        collection = catalog.collections.get(name)
        former = collection.ranking or DEFAULT_RANKING
        trained = () if active is None else (workspace.checkpoints.open(active),)
        every = (*trained, *(one.checkpoint for one in scorers))
        config = next(iter(data_configs(name, every, otherwise=data)))
        wanted = (SplitName.DEV,)
        dev = prepare_collection(catalog, name, config=config, wanted=wanted).dataset.dev
        reason = too_few(len(dev.queries))
        if collection.generation is None:
            reason = "nothing of the collection is indexed yet; index its documents first"
        if reason is not None:
            return untuned(former, queries=len(dev.queries), reason=reason)
        with closing(_Serving(workspace, catalog, collection)) as serving:
            chosen = spread(dev, most=most_queries(collection))
            search = LiveSearch(
                serving.live,
                catalog=catalog,
                queries=[dev.queries[one].text for one in chosen],
                cross_encoders=sharing_split(scorers, name, data=config),
            )
            judged = [_by_ordinal(catalog, collection, dev.qrels[one]) for one in chosen]
            return tune_search(search, judged, former=former, progress=progress)


class _Serving:
    """What serves a collection, opened beside what serves it."""

    def __init__(self, workspace: Workspace, catalog: Catalog, collection: Collection) -> None:
        home, store = workspace.home, workspace.checkpoints
        self._encoders = Encoders(lambda one: open_encoder(store.open(one), cache=home.cache))
        pairs = Pairs(
            catalog=catalog,
            generations=GenerationStore(home.generations),
            lexical=LexicalStore(home.lexical),
            encoders=self._encoders,
        )
        self.live: Live = pairs.open(collection, pairs.target(collection)).at(wall_clock)

    def close(self) -> None:
        """Close the encoder."""
        self._encoders.close()


def _by_ordinal(catalog: Catalog, collection: Collection, grades: Mapping[str, int]) -> Grades:
    ordinals = catalog.documents.ordinals(collection, [*grades])
    return {ordinals[doc_id]: grade for doc_id, grade in grades.items() if doc_id in ordinals}


class _Found:
    """What a search finds for judged queries."""

    def __init__(
        self, search: OfflineSearch, judged: Sequence[Grades], progress: OnProgress
    ) -> None:
        self._search = search
        self._judged = judged
        self._progress = progress

    def unions(self, fields: FieldWeights) -> list[JudgedUnion]:
        """What both legs find for each of the queries where fields weigh so."""
        weighed = ", ".join(f"{path} {weight:g}" for path, weight in fields.items() if weight)
        stage = f"both legs, with {weighed}" if weighed else "both legs"
        return [self._union(at, fields) for at in self._each(range(len(self._judged)), stage)]

    def tried(
        self, rerankers: Sequence[Reranking], tuned: TunedWeights
    ) -> tuple[TriedReranker, ...]:
        """What each re-ranker makes of the best candidates of some of the queries."""
        if not rerankers:
            return ()
        places = _places(len(self._judged), most=MOST_RERANKED)
        stage = f"re-ranking by {' and '.join(one.kind.value for one in rerankers)}"
        heads = [self._heads(at, rerankers, tuned) for at in self._each(places, stage)]
        return tuple(
            TriedReranker(wanted, tune_reranker(own, usual=wanted.usual_weight))
            for wanted, own in zip(rerankers, zip(*heads, strict=True), strict=True)
        )

    def _heads(
        self, at: int, rerankers: Sequence[Reranking], tuned: TunedWeights
    ) -> list[JudgedHead]:
        """Both scores of the candidates of one query by each re-ranker; its legs are asked once."""
        judged = self._union(at, tuned.fields)
        scores = fused_scores(judged.union, adapted(tuned.dense, judged.union.n_words))
        order = np.lexsort((judged.union.ids, -scores))
        heads = []
        for wanted in rerankers:
            head = order[: wanted.depth]
            ids = judged.union.ids[head]
            second = self._search.second_scores(at, ids, wanted, fields=tuned.fields)
            heads.append(JudgedHead(scores[head], second, judged.grades[head], judged.every_grade))
        return heads

    def _union(self, at: int, fields: FieldWeights) -> JudgedUnion:
        return judged_union(unite(*self._search.legs(at, fields=fields)), self._judged[at])

    def _each(self, places: Sequence[int], stage: str) -> Iterator[int]:
        for done, at in enumerate(places):
            self._progress(stage, done, len(places))
            yield at
        self._progress(stage, len(places), len(places))


def _places(n: int, *, most: int) -> list[int]:
    """At most so many of `n` places, evenly spread."""
    return [at * n // min(n, most) for at in range(min(n, most))]
