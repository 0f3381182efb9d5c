"""Vectors: what is wrong with those that a graph makes, where no ranking could rest on them."""

import numpy as np
from numpy.typing import NDArray

LENGTH_ERROR = 0.01  # what bf16 may do


def fault_of(vectors: NDArray[np.float32], *, may_be_zero: bool) -> str | None:
    """What is wrong with `vectors` `(n, dim)`; None where all are finite and of length 1.

    A static embedding has the zero vector for a text without a token that it knows, and for no
    other model `may_be_zero`.
    """
    squares = np.einsum("ij,ij->i", vectors, vectors)
    sound = np.abs(squares - 1) <= 2 * LENGTH_ERROR  # of what is no number nothing is true
    if may_be_zero:
        sound |= squares == 0
    if sound.all():
        return None
    if not np.isfinite(squares).all():
        return "makes vectors with values that are not finite numbers"
    return (
        "makes vectors that are not normalised: one has the length "
        f"{float(squares[~sound][0]) ** 0.5:.3g}"
    )
