"""A reference: the vector that the model itself makes of a text, which every runtime has to give.

Of a cross-encoder the one number is the score of the text with `REFERENCE_QUERY`.

Recorded in the manifest when a checkpoint is made. Knows no runtime.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REFERENCE_TEXTS = (
    "A reference says what an encoder makes of a text, so that another answer is noticed.",
    "warm waterproof boots for 1,234 days of rain",
)
REFERENCE_QUERY = "what does a reference say of an encoder?"

_LOSS_RATIO = 2.0
_ROUNDING = 0.002
_LEAST = 0.9
_ALIKE = 0.99
_ALIKE_SCORES = 0.5  # log-odds
_LARGEST_ERROR = 1.0


@dataclass(frozen=True)
class Reference:
    """`text` as a document, and its vector `(dim,) float32`: base64 of little-endian numbers."""

    text: str
    vector: str

    def values(self) -> NDArray[np.float32]:
        """The vector. Raises `ValueError` where it is none."""
        return np.frombuffer(b64decode(self.vector, validate=True), "<f4")

    def resembles(self, other: "Reference") -> bool:
        """Whether both are of one model: their cosine is at least 0.99, or the score alike."""
        try:
            mine, theirs = self.values(), other.values()
            if len(mine) == 1:
                return bool(np.abs(mine - theirs).max() <= _ALIKE_SCORES)
            return bool(mine @ theirs >= _ALIKE)
        except ValueError:
            return False


def make_reference(text: str, vector: NDArray[np.float32]) -> Reference:
    """The reference that says it: `vector` `(dim,)`."""
    return Reference(text, b64encode(vector.astype("<f4").tobytes()).decode("ascii"))


def least_cosine(worst: float) -> float:
    """How near to a reference a variant must come whose worst text in the probe set had `worst`.

    A text may lose twice as much, and a host round differently; nothing below 0.9 is near.
    """
    return max(_LEAST, 1 - _LOSS_RATIO * (1 - worst) - _ROUNDING)


def largest_error(worst: float) -> float:
    """How far a score may be from a reference where the worst pair of the probe set had `worst`.

    As with vectors, a pair may lose twice as much; more than 1, in log-odds, is not near.
    """
    return min(_LARGEST_ERROR, _LOSS_RATIO * worst + _ROUNDING)
