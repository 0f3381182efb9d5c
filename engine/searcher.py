"""The searcher: which pair answers a search, in which words, and by which pipeline.

What a search's stages are and do is `search`'s.
"""

from collections.abc import Iterable
from dataclasses import replace

from molt.artifact.tracing import traced
from molt.encoder.kind import Capability
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.engine.cross_encoding import CrossEncoding
from molt.engine.explaining.changing import ComparedSearch, SearchChange, find_changes
from molt.engine.explaining.explainer import Explainer
from molt.engine.explaining.standing import DocumentStanding, find_standing
from molt.engine.live.former import FormerGenerations
from molt.engine.live.live_collections import LiveCollections
from molt.engine.live.pair import Live
from molt.engine.search.curating import Curator
from molt.engine.search.highlights.highlighter import Highlighter
from molt.engine.search.pipeline import pipelines
from molt.engine.search.pooling import MOST_POOLED, pool_legs
from molt.engine.search.preparing import AskedText, encode_ahead
from molt.engine.search.query import Hit, Mode, SearchAnswer, SearchQuery
from molt.engine.search.reranks.cross_encoder_reranker import CrossEncoderReranker
from molt.engine.search.reranks.reranking import tuned_reranking
from molt.engine.search.reranks.token_reranker import TokenReranker
from molt.engine.throttle import Throttle
from molt.engine.watch.sentinel import Sentinel
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.ranking.reranking import RerankKind
from molt.index.selection.expiring import Clock


class Searcher:
    """Searches over what is live, or was. Thread-safe; every method blocks."""

    def __init__(  # noqa: PLR0913  each by name
        self,
        catalog: Catalog,
        live: LiveCollections,
        former: FormerGenerations,
        sentinel: Sentinel,
        *,
        throttle: Throttle,
        interaction: LateInteraction,
        cross_encoding: CrossEncoding,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._live = live
        self._former = former
        self._sentinel = sentinel
        self._throttle = throttle
        self._cross_encoding = cross_encoding
        self._curator = Curator(catalog)
        self._explainer = Explainer(catalog)
        self._pipelines = pipelines(
            (TokenReranker(catalog, interaction), CrossEncoderReranker(catalog, cross_encoding)),
            Highlighter(interaction),
            self._explainer,
            clock=clock,
        )
        self._pool = replace(self._pipelines["hybrid"], fuse=pool_legs, rerankers=())

    def search(self, query: SearchQuery) -> SearchAnswer:
        """Answer from exactly one encoder and one index.

        Raises `CollectionNotFoundError`, `UnavailableError` or `UnknownFieldError`; of documents
        that others are to be like `DocumentNotFoundError` and `DocumentNotIndexedError`; and
        `MissingCapabilityError` for a re-ranking that the encoder cannot do, and for one that is
        asked for by a cross-encoder `NoCrossEncoderError` and what opening it raises.
        """
        self._throttle.search_came()
        live = self._live.get(query.collection)
        defaults = self._live.search_defaults(live.collection)
        query = self._curator.curated(query, live, defaults)
        if query.mode == "hybrid" and query.by_likeness:
            query = replace(query, mode="dense")
        with self._sentinel.noting(live):
            return self._answer(query, live)

    def reranks(self, name: str, *, mode: Mode) -> bool:
        """Was the collection tuned to re-rank searches of this mode that do not say? Never waits.

        What is not loaded yet, or is not there, is told by the search itself.
        """
        live = self._live.served(name)
        if live is None:
            return False
        return tuned_reranking(SearchQuery("", name, mode=mode), live) is not None

    def rerank_kinds(self, collection: Collection) -> tuple[RerankKind, ...]:
        """By what searches of a collection can be re-ranked without that they name a model."""
        live = self._live.served(collection.name)
        cannot = set() if self._cross_encoding.has_one(collection) else {RerankKind.CROSS_ENCODER}
        if live is not None and Capability.TOKENS not in live.encoder.checkpoint.capabilities:
            cannot.add(RerankKind.TOKENS)
        return tuple(kind for kind in RerankKind if kind not in cannot)

    def pool(self, text: str, name: str) -> tuple[Hit, ...]:
        """The documents that any mode of searching ranks among its best, by the best rank.

        One search finds them all (`pooling`). Raises as `search` does.
        """
        query = SearchQuery(text, name, k=MOST_POOLED, boosts=(), rerank=None)
        live = self._live.get(name)
        query = self._curator.curated(query, live, self._live.search_defaults(live.collection))
        return self._pool.search(query, live=live, catalog=self._catalog).page.hits

    def explain(self, query: SearchQuery, doc_id: str) -> DocumentStanding:
        """Where a document stands for a query, and why. Raises as `search` and `find_standing`."""
        live = self._live.get(query.collection)
        defaults = self._live.search_defaults(live.collection)
        query, pipeline = self._curator.curated(query, live, defaults), self._pipelines[query.mode]
        return find_standing(query, doc_id, live=live, catalog=self._catalog, pipeline=pipeline)

    def search_former(self, query: SearchQuery, generation_id: str) -> SearchAnswer:
        """As `search`, from a generation of the collection that need not be the one that serves.

        It lacks what was written since it served. Raises as `FormerGenerations.get`, too.
        """
        return self.search_pair(query, self._former.get(query.collection, generation_id))

    def search_pair(self, query: SearchQuery, live: Live | None) -> SearchAnswer:
        """As `search`, from a pair of the collection; from what serves where that is None."""
        if live is None:
            return self.search(query)
        return self._answer(self._asked(query, live).query, live)

    def why_changed(
        self,
        before: tuple[SearchQuery, str | None],
        now: tuple[SearchQuery, str | None],
        *,
        doc_id: str | None = None,
    ) -> SearchChange:
        """What moved between two searches of one collection, and why; of one document, or of all.

        Each is a query and the generation that is to answer it, None for the one that serves.
        Raises as `search_former` and `find_changes`.
        """
        return find_changes(
            self._compared(*before),
            self._compared(*now),
            catalog=self._catalog,
            explainer=self._explainer,
            doc_id=doc_id,
        )

    def _compared(self, query: SearchQuery, generation_id: str | None) -> ComparedSearch:
        """A query as its collection curates it, over a generation, None for what serves."""
        if generation_id is None:
            return self._asked(query, self._live.get(query.collection))
        return self._asked(query, self._former.get(query.collection, generation_id))

    def _asked(self, query: SearchQuery, live: Live) -> ComparedSearch:
        """A query as its collection curates it, over a pair."""
        defaults = self._live.search_defaults(live.collection)
        curated = self._curator.curated(query, live, defaults)
        return ComparedSearch(curated, live, self._pipelines[query.mode])

    def prepare(self, asked: Iterable[AskedText]) -> None:
        """Encode texts that are about to be searched for, all at once; no failure is told here."""
        encode_ahead(asked, self._live)

    def _answer(self, query: SearchQuery, live: Live) -> SearchAnswer:
        with traced("search", collection=query.collection, mode=query.mode, k=query.k):
            return self._pipelines[query.mode].search(query, live=live, catalog=self._catalog)
