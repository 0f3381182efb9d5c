"""The token re-ranker: late interaction with the encoder of the pair, over the best candidates."""

from dataclasses import replace

from molt.encoder.kind import Capability
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates
from molt.engine.search.query import SearchQuery
from molt.engine.search.reranks.reranking import Reranked, reranked, weight_for
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import Document, passage_text
from molt.index.ranking.reranking import Reranking, RerankKind


class TokenReranker:
    """Scores candidates by MaxSim, where a search asks for that.

    Their passages are read from the catalog as it now is. One that was deleted since the snapshot
    was taken is left out, as it would be from the answer.
    """

    def __init__(self, catalog: Catalog, interaction: LateInteraction) -> None:
        self._catalog = catalog
        self._interaction = interaction

    def __call__(self, query: SearchQuery, live: Live, found: Candidates) -> Candidates:
        """As every re-ranker. Raises what `LateInteraction.compare` raises."""
        wanted = query.rerank
        if not isinstance(wanted, Reranking) or wanted.kind is not RerankKind.TOKENS:
            return found
        live.encoder.checkpoint.require(Capability.TOKENS)
        head, tail = found.ranking[: wanted.depth], found.ranking[wanted.depth :]
        stored = self._catalog.documents.hydrate(live.collection, [one.ordinal for one in head])
        head = tuple(one for one in head if one.ordinal in stored)
        weight = weight_for(wanted, head)
        if not head:
            return replace(found, ranking=tail, reranked=Reranked(wanted, weight, 0, 0))
        texts = [candidate_text(stored[one.ordinal].document, one) for one in head]
        compared = self._interaction.compare(live.encoder, query.text, texts)
        ordered = reranked(head, compared.nearness.maxsim, weight=weight)
        told = Reranked(wanted, weight, len(head), compared.n_encoded)
        return replace(found, ranking=(*ordered, *tail), reranked=told)


def candidate_text(document: Document, candidate: Candidate) -> str:
    """The text that was encoded for the candidate's passage, unless the document has changed."""
    span = candidate.passage
    return passage_text(title=document.title, text=document.text[span.start : span.end])
