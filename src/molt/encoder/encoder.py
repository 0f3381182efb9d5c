"""The encoder: texts in, vectors out, shared by every thread of a service."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import InputType
from molt.encoder.lane import Lane

__all__ = ["Encoded", "InputType", "Lane"]


@dataclass(frozen=True)
class Encoded:
    """Vectors `(n, dim) float32`, L2-normalised; tokens read of each text `(n,) int32`."""

    vectors: NDArray[np.float32]
    n_tokens: NDArray[np.int32]
