"""Rescoring offline: what looks again at candidates of queries that nobody waits for.

The token vectors of an encoder, and whatever cross-encoders are at hand; each scores as it serves.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
from molt.encoder.encoder import Encoder, Lane
from molt.encoder.kind import Capability
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.index.ranking.reranking import Reranking, RerankKind

_Scores = npt.NDArray[np.float64]

_TOKEN_BYTES = 256 * 2**20


class Rescoring:
    """Gives candidates a second score, by one of its `rerankers`."""

    def __init__(self, encoder: Encoder, cross_encoders: Sequence[CrossEncoder]) -> None:
        self._encoder = encoder
        self._tokens = LateInteraction(TokenCache(_TOKEN_BYTES))
        self._cross_encoders = {one.checkpoint.id: one for one in cross_encoders}

    @property
    def rerankers(self) -> tuple[Reranking, ...]:
        """Each that there is, as it is used where nobody says more; the cheapest first."""
        has_tokens = Capability.TOKENS in self._encoder.checkpoint.capabilities
        return (
            *([Reranking(RerankKind.TOKENS)] if has_tokens else []),
            *(Reranking(RerankKind.CROSS_ENCODER, model=each) for each in self._cross_encoders),
        )

    def can(self, wanted: Reranking) -> bool:
        """Is that one of them?"""
        known = {(one.kind, one.model) for one in self.rerankers}
        return (wanted.kind, wanted.model) in known

    def scores(self, wanted: Reranking, query: str, texts: Sequence[str]) -> _Scores:
        """The second score `(n,)` of each text. Raises as what makes it."""
        if wanted.model is not None:
            scorer = self._cross_encoders[wanted.model]
            return scorer.score(query, texts, lane=Lane.INTERACTIVE).logits.astype(np.float64)
        compared = self._tokens.compare(self._encoder, query, texts)
        return compared.nearness.maxsim.astype(np.float64)
