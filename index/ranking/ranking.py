"""A ranking as it is configured: how the searches of a collection fuse, and what re-ranks them.

Kept with a release and moved with its pointer. Owns the value and its JSON, which is a fusion's
with more keys where fields are weighed and where something re-ranks: what was written before there
were such is read as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from molt.index.ranking.field_weights import FieldWeights, parse_field_weights
from molt.index.ranking.fusion import DEFAULT_FUSION, Fusion, parse_fusion
from molt.index.ranking.reranking import Reranking, parse_reranking

_RERANK = "rerank"
_FIELDS = "fields"


@dataclass(frozen=True)
class SearchRanking:
    """How two legs are fused; `rerank` looks at the best again, unless a search says otherwise.

    `fields` are weights of fields in searches by words; one that they leave out has the weight that
    the analysis gives it.
    """

    fusion: Fusion = DEFAULT_FUSION
    rerank: Reranking | None = None
    fields: FieldWeights = field(default_factory=dict)

    @property
    def cross_encoder(self) -> str | None:
        """The checkpoint of the cross-encoder that searches are re-ranked by, if they are."""
        return None if self.rerank is None else self.rerank.model

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_ranking` makes an equal one."""
        own = self.fusion.describe()
        if self.fields:
            own[_FIELDS] = dict(self.fields)
        return own if self.rerank is None else own | {_RERANK: self.rerank.describe()}


DEFAULT_RANKING = SearchRanking()


def parse_ranking(value: Mapping[str, Any]) -> SearchRanking:
    """The ranking that a JSON object means. Raises `InvalidFieldError`, naming what is wrong."""
    own = {name: each for name, each in value.items() if name not in (_RERANK, _FIELDS)}
    rerank = value.get(_RERANK)
    return SearchRanking(
        parse_fusion(own),
        None if rerank is None else parse_reranking(rerank),
        parse_field_weights(value.get(_FIELDS, {}), name=_FIELDS),
    )
