"""Token codes: what late interaction keeps of a text, its tokens' directions in a byte a number.

Knows neither encoders nor caches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import Pooling
from molt.encoder.encoder import TokenVectors

_MOST = 127
_TINY = 1e-12


@dataclass(frozen=True)
class TokenCodes:
    """A text as `1 + n` directions: its own, as embeddings have it, then one of each of its tokens.

    Row `i` is `scales[i] * codes[i]`, of length 1 within a per cent: `codes` `(1 + n, dim) int8`,
    `scales` `(1 + n,) float32`; `ids` `(n,) int32` tell which tokens, `starts` `(n,) int32` at
    which character of the text each begins. Special ones and those of the prompt are none of the
    text's. `n_tokens` were read, these included; `truncated` where the text has more.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    n_tokens: int
    truncated: bool

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.codes.nbytes + self.scales.nbytes + self.ids.nbytes + self.starts.nbytes

    @property
    def directions(self) -> NDArray[np.float32]:
        """The rows `(1 + n, dim) float32`."""
        rows = self.codes.astype(np.float32)  # in two steps, which take a quarter of the time
        rows *= self.scales[:, None]
        return rows


def code_tokens(tokens: TokenVectors, pooling: Pooling) -> TokenCodes:
    """The codes of a text of which these are the token vectors."""
    vectors = tokens.vectors
    own = vectors[:1] if pooling is Pooling.CLS else vectors.mean(axis=0, keepdims=True)
    stands = tokens.offsets[:, 1] > tokens.offsets[:, 0]
    rows = _directions(np.concatenate([own, vectors[stands]]))
    scales = np.abs(rows).max(axis=1) / _MOST
    codes = np.rint(rows / np.maximum(scales, _TINY)[:, None]).astype(np.int8)
    return TokenCodes(
        codes,
        scales.astype(np.float32),
        tokens.ids[stands].astype(np.int32),
        tokens.offsets[stands, 0].astype(np.int32),
        n_tokens=len(tokens.ids),
        truncated=tokens.truncated,
    )


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2-normalised; a vector of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY), dtype=np.float32)
