"""The cross-encoder re-ranker: the query is read together with each of the best candidates."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from molt.artifact import ArtifactError
from molt.encoder.encoder import Lane
from molt.encoder.errors import (
    AbandonedError,
    ClosedEncoderError,
    EncoderError,
    MissingCapabilityError,
)
from molt.engine.cross_encoding import CrossEncoding
from molt.engine.errors import CrossEncoderUnavailableError, EncodersBusyError
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidates
from molt.engine.search.query import SearchQuery
from molt.engine.search.reranks.heads import SecondScores, rerank_head
from molt.engine.search.reranks.reranking import NAME
from molt.index.catalog.catalog import Catalog
from molt.index.ranking.reranking import Reranking, RerankKind

log = structlog.get_logger(__name__)

_TOLD = AbandonedError, ClosedEncoderError, MissingCapabilityError


class CrossEncoderReranker:
    """Scores candidates by the cross-encoder of a collection or of a search, where that asks.

    Its scores are log-odds.
    """

    def __init__(self, catalog: Catalog, cross_encoding: CrossEncoding) -> None:
        self._catalog = catalog
        self._cross_encoding = cross_encoding

    def __call__(self, query: SearchQuery, live: Live, found: Candidates) -> Candidates:
        """As every re-ranker; where that was only tuned and cannot be done now, it is left out.

        Raises as `CrossEncoding.chosen`, `MissingCapabilityError` where another kind of model is
        named, `EncodersBusyError`, and else `CrossEncoderUnavailableError`.
        """
        wanted = query.rerank
        if not isinstance(wanted, Reranking) or wanted.kind is not RerankKind.CROSS_ENCODER:
            return found
        named = replace(wanted, model=wanted.model or self._cross_encoding.chosen(live.collection))
        if query.tuned and self._cross_encoding.is_to_come(str(named.model)):
            return _left_out(found, f"the cross-encoder {named.model} is being opened")
        try:
            return self._reranked(query, named, live, found)
        except _TOLD:
            raise
        except (ArtifactError, EncoderError, EncodersBusyError, OSError) as error:
            if not query.tuned:
                raise _asked_for(named, error) from error
            log.warning("rerank.left_out", checkpoint=named.model, reason=str(error))
            return _left_out(found, f"the cross-encoder {named.model} cannot be asked")

    def _reranked(
        self, query: SearchQuery, wanted: Reranking, live: Live, found: Candidates
    ) -> Candidates:
        with self._cross_encoding.using(str(wanted.model)) as scorer:

            def score(texts: Sequence[str]) -> SecondScores:
                scored = scorer.score(query.text, texts, lane=Lane.INTERACTIVE)
                return SecondScores(scored.logits, len(texts))

            return rerank_head(wanted, found, live=live, catalog=self._catalog, score=score)


def _asked_for(wanted: Reranking, error: Exception) -> Exception:
    """What a search is told that asks for a cross-encoder which cannot be asked."""
    if isinstance(error, EncodersBusyError):
        return error
    return CrossEncoderUnavailableError(
        f"the cross-encoder {wanted.model} cannot be asked: {error}; leave `rerank` out, or name "
        "another one as `model`"
    )


def _left_out(found: Candidates, reason: str) -> Candidates:
    """The candidates as they were; the answer tells why."""
    return replace(
        found,
        left_out={**found.left_out, NAME: reason},
        warnings=(*found.warnings, f"the re-ranker was left out: {reason}"),
    )
