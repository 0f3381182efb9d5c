"""Tuning a search: the fusion and the re-ranker by which dev queries are ranked best.

The engine ranks and `index.ranking` decides; here they meet. Moves no pointer.
"""

from collections.abc import Mapping, Sequence
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
from molt.index.lexical.commit import LexicalStore
from molt.index.ranking.fusing import fused_scores, unite
from molt.index.ranking.fusion import UNTUNED_WEIGHT, Fusion
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking
from molt.index.ranking.rerank_tuning import JudgedHead, TunedReranker, tune_reranker
from molt.index.ranking.reranking import Reranking
from molt.index.ranking.tuning import JudgedUnion, cross_validated, judged_union, tune_weight
from molt.index.selection.expiring import wall_clock
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Split
from molt.training.material import data_configs, prepare_collection
from molt.worker.tasks.cross_encoders import opened_cross_encoders, sharing_split
from molt.worker.tasks.workspace import Workspace

FEWEST_QUERIES = 10
"""Of fewer judged queries nothing is learnt."""
MOST_QUERIES = 2_000
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


def tune_search(
    search: OfflineSearch,
    judged: Sequence[Grades],
    *,
    former: SearchRanking,
    progress: OnProgress = quiet,
) -> SearchTuning:
    """The ranking for queries like these, each of which has a relevant document."""
    unions = []
    for at, grades in enumerate(judged):
        progress("both legs", at, len(judged))
        unions.append(judged_union(unite(*search.legs(at)), grades))
    progress("both legs", len(judged), len(judged))
    tuned = tune_weight(unions)
    means = {
        "dense": tuned.at(1.0),
        "lexical": tuned.at(0.0),
        "hybrid": tuned.at(UNTUNED_WEIGHT),
        "tuned": tuned.at(tuned.dense),
        "cross_validated": cross_validated(unions),
    }
    heads = _Heads(search, unions, weight=tuned.dense)
    tried = [heads.tried(one, progress) for one in search.rescoring.rerankers]
    found = SearchTuning(len(judged), former, former, means, tuple(tried))
    chosen = None if found.reranker is None else found.reranker.reranking
    return replace(found, ranking=SearchRanking(Fusion(dense=tuned.dense), chosen))


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
            chosen = spread(dev)
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


class _Heads:
    """The best candidates of some of the queries, as they are fused by `weight`."""

    def __init__(
        self, search: OfflineSearch, unions: Sequence[JudgedUnion], *, weight: float
    ) -> None:
        self._search = search
        self._judged = {at: unions[at] for at in _places(len(unions), most=MOST_RERANKED)}
        self._weight = weight

    def tried(self, wanted: Reranking, progress: OnProgress) -> TriedReranker:
        """What a re-ranker makes of them."""
        stage, total = f"re-ranking by {wanted.kind.value}", len(self._judged)
        found = []
        for done, at in enumerate(self._judged):
            progress(stage, done, total)
            found.append(self._head(at, wanted))
        progress(stage, total, total)
        return TriedReranker(wanted, tune_reranker(found, usual=wanted.usual_weight))

    def _head(self, at: int, wanted: Reranking) -> JudgedHead:
        """Both scores of the candidates of one query."""
        judged = self._judged[at]
        scores = fused_scores(judged.union, self._weight)
        head = np.lexsort((judged.union.ids, -scores))[: wanted.depth]
        second = self._search.second_scores(at, judged.union.ids[head], wanted)
        return JudgedHead(scores[head], second, judged.grades[head], judged.every_grade)


def _places(n: int, *, most: int) -> list[int]:
    """At most so many of `n` places, evenly spread."""
    return [at * n // min(n, most) for at in range(min(n, most))]
