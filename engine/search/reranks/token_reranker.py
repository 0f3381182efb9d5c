"""The token re-ranker: late interaction with the encoder of the pair, over the best candidates."""

from collections.abc import Sequence

from molt.encoder.kind import Capability
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidates
from molt.engine.search.query import SearchQuery
from molt.engine.search.reranks.heads import SecondScores, rerank_head
from molt.index.catalog.catalog import Catalog
from molt.index.ranking.reranking import Reranking, RerankKind


class TokenReranker:
    """Scores candidates by MaxSim, where a search asks for that."""

    def __init__(self, catalog: Catalog, interaction: LateInteraction) -> None:
        self._catalog = catalog
        self._interaction = interaction

    def __call__(self, query: SearchQuery, live: Live, found: Candidates) -> Candidates:
        """As every re-ranker. Raises what `LateInteraction.compare` raises."""
        wanted = query.rerank
        if not isinstance(wanted, Reranking) or wanted.kind is not RerankKind.TOKENS:
            return found
        live.encoder.checkpoint.require(Capability.TOKENS)

        def score(texts: Sequence[str]) -> SecondScores:
            compared = self._interaction.compare(live.encoder, query.text, texts)
            return SecondScores(compared.nearness.maxsim, compared.n_encoded)

        return rerank_head(wanted, found, live=live, catalog=self._catalog, score=score)
