"""A rating: how relevant texts are to a query, by token vectors or by a cross-encoder.

Which model a name means is `models`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
from molt.encoder.encoder import Encoder, Lane
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.relevance import probabilities, relevance_logits
from molt.index.ranking.reranking import RerankKind


@dataclass(frozen=True)
class Rating:
    """Of `n` texts their log-odds `(n,) float32` of relevance; what was read of them.

    `n_tokens` counts the query's as well, once or with each text that it was read with. `truncated`
    `(n,) bool`: of which texts the model, which reads `max_length` tokens, did not read the end,
    and `query_truncated` whether of the query.
    """

    checkpoint: str
    kind: RerankKind
    logits: npt.NDArray[np.float32]
    n_tokens: int
    n_encoded: int
    truncated: npt.NDArray[np.bool_]
    query_truncated: bool
    max_length: int

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """Relevance from 0 to 1, `(n,) float32`."""
        return probabilities(self.logits)

    def best(self, n: int | None = None) -> list[int]:
        """The places of the `n` most relevant texts, or of all, best first."""
        order: list[int] = np.argsort(-self.logits, kind="stable").tolist()
        return order[:n]


def rate_with(
    encoder: Encoder, interaction: LateInteraction, *, query: str, texts: Sequence[str]
) -> Rating:
    """Rate texts, at least one. Raises as `LateInteraction.compare`."""
    found = interaction.compare(encoder, query, texts)
    return Rating(
        encoder.checkpoint.id,
        RerankKind.TOKENS,
        relevance_logits(found.nearness),
        n_tokens=int(found.n_tokens.sum()) + found.query_tokens,
        n_encoded=found.n_encoded,
        truncated=found.truncated,
        query_truncated=found.query_truncated,
        max_length=encoder.checkpoint.max_length,
    )


def rate_pairs(scorer: CrossEncoder, *, query: str, texts: Sequence[str]) -> Rating:
    """Rate texts, at least one, each read together with the query. Raises as `score` does."""
    found = scorer.score(query, texts, lane=Lane.INTERACTIVE)
    return Rating(
        scorer.checkpoint.id,
        RerankKind.CROSS_ENCODER,
        found.logits,
        n_tokens=int(found.n_tokens.sum()),
        n_encoded=len(texts),
        truncated=found.truncated,
        query_truncated=found.query_truncated,
        max_length=scorer.checkpoint.max_length,
    )
