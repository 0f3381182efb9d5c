"""Late interaction: an encoder's token vectors of a query and of texts, made once and compared.

What of a text was compared before is taken from a cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from molt.encoder.encoder import Encoder, InputType, Lane
from molt.encoder.late_interaction.maxsim import Nearness, compare, compare_spans
from molt.encoder.late_interaction.token_cache import TokenCache, token_key
from molt.encoder.late_interaction.token_codes import TokenCodes, code_tokens
from molt.encoder.late_interaction.token_weights import TokenWeights

_AT_ONCE = 64
"""Texts of which the token vectors are in memory at one time, at 0.4 MB for 256 tokens."""


@dataclass(frozen=True)
class Interaction:
    """How near each text is to the query, how many tokens each has, and which had to be encoded.

    `n_tokens` `(n,) int32` are those that were read, `truncated` `(n,) bool` tells of which texts
    the end was not; `n_encoded` texts were not in the cache. `query_tokens` is of the query.
    """

    nearness: Nearness
    n_tokens: NDArray[np.int32]
    truncated: NDArray[np.bool_]
    n_encoded: int
    query_tokens: int
    query_truncated: bool


@dataclass(frozen=True)
class SpanInteraction:
    """How near the parts of each text are to the query; `n_encoded` texts were not in the cache."""

    nearness: list[Nearness]
    n_encoded: int


class LateInteraction:
    """Compares queries with texts, and keeps what it made of them in `cache`. Thread-safe."""

    def __init__(self, cache: TokenCache) -> None:
        self._cache = cache
        self._weights: WeakKeyDictionary[Encoder, TokenWeights] = WeakKeyDictionary()

    def compare(self, encoder: Encoder, query: str, texts: Sequence[str]) -> Interaction:
        """Compare `texts`, at least one, with `query`; blocks until what is missing is encoded.

        Each text is computed alone, so that its score depends on no other. Raises what
        `Encoder.encode_tokens` raises, `MissingCapabilityError` first.
        """
        asked = self._coded(encoder, [query], InputType.QUERY, Lane.QUERY).codes[0]
        parts = [
            self._coded(
                encoder, texts[start : start + _AT_ONCE], InputType.DOCUMENT, Lane.INTERACTIVE
            )
            for start in range(0, len(texts), _AT_ONCE)
        ]
        weights = self._weights_of(encoder).of(asked.ids)
        compared = [compare(asked, part.codes, weights=weights) for part in parts]
        coded = [one for part in parts for one in part.codes]
        return Interaction(
            Nearness(
                np.concatenate([one.cosine for one in compared]),
                np.concatenate([one.maxsim for one in compared]),
            ),
            n_tokens=np.array([one.n_tokens for one in coded], dtype=np.int32),
            truncated=np.array([one.truncated for one in coded], dtype=np.bool_),
            n_encoded=sum(part.n_encoded for part in parts),
            query_tokens=asked.n_tokens,
            query_truncated=asked.truncated,
        )

    def compare_spans(
        self,
        encoder: Encoder,
        query: str,
        texts: Sequence[str],
        spans: Sequence[Sequence[tuple[int, int]]],
    ) -> SpanInteraction:
        """Compare parts of each text with `query`: the characters at which each begins and ends.

        As `compare` does, whose cache it shares, and raises.
        """
        asked = self._coded(encoder, [query], InputType.QUERY, Lane.QUERY).codes[0]
        weights = self._weights_of(encoder).of(asked.ids)
        found, n_encoded = [], 0
        for start in range(0, len(texts), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            part = self._coded(encoder, texts[some], InputType.DOCUMENT, Lane.INTERACTIVE)
            n_encoded += part.n_encoded
            found += [
                compare_spans(asked, codes, own, weights=weights)
                for codes, own in zip(part.codes, spans[some], strict=True)
            ]
        return SpanInteraction(found, n_encoded)

    def _weights_of(self, encoder: Encoder) -> TokenWeights:
        weights = self._weights.get(encoder)
        if weights is None:
            weights = self._weights[encoder] = TokenWeights(encoder.vocabulary)
        return weights

    def _coded(
        self, encoder: Encoder, texts: Sequence[str], input_type: InputType, lane: Lane
    ) -> "_Coded":
        keys = [token_key(encoder.checkpoint.id, text, input_type) for text in texts]
        found = {key: self._cache.get(key) for key in keys}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if found[key] is None}
        made = encoder.encode_tokens(list(missing.values()), input_type=input_type, lane=lane)
        for key, tokens in zip(missing, made, strict=True):
            found[key] = made_now = code_tokens(tokens, encoder.checkpoint.pooling)
            self._cache.put(key, made_now)
        return _Coded([codes for key in keys if (codes := found[key]) is not None], len(missing))


@dataclass(frozen=True)
class _Coded:
    """The codes of some texts, and how many of them were not in the cache."""

    codes: list[TokenCodes]
    n_encoded: int
