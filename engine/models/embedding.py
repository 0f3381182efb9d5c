"""An embedding: texts as vectors of one model, in full or of fewer dimensions.

Which model a name means is `models`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.encoder.encoder import Encoder, InputType, Lane
from molt.encoder.errors import UnsoundVectorsError
from molt.engine.errors import InvalidDimensionsError


@dataclass(frozen=True)
class EmbeddingResult:
    """`vectors` `(n, dim) float32` L2-normalised, `n_tokens` `(n,) int32`.

    `truncated` `(n,) bool`: of which texts the model, which reads `max_length` tokens, did not
    read the end.
    """

    checkpoint: str
    vectors: npt.NDArray[np.float32]
    n_tokens: npt.NDArray[np.int32]
    truncated: npt.NDArray[np.bool_]
    max_length: int


def embed_with(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    model: str,
    input_type: InputType,
    dimensions: int | None,
) -> EmbeddingResult:
    """Encode `texts` by the model that was asked for by the name `model`.

    Only the leading `dimensions` numbers of each vector are kept, normalised again. Raises
    `InvalidDimensionsError` where the model has not so many, `UnsoundVectorsError` where they are
    all 0, and as `Encoder.encode`.
    """
    if dimensions is not None and not 1 <= dimensions <= encoder.dimension:
        raise InvalidDimensionsError(
            f"dimensions must be 1 to {encoder.dimension} for model {model!r}"
        )
    lane = Lane.QUERY if len(texts) == 1 else Lane.INTERACTIVE
    encoded = encoder.encode(texts, input_type=input_type, lane=lane)
    vectors = encoded.vectors
    if dimensions is not None:
        vectors = _leading(vectors, dimensions)
        if (vectors.any(axis=1) != encoded.vectors.any(axis=1)).any():
            raise UnsoundVectorsError(
                f"checkpoint {encoder.checkpoint.id} makes a vector whose first {dimensions} "
                "numbers are all 0; ask for more dimensions"
            )
    return EmbeddingResult(
        encoder.checkpoint.id,
        vectors,
        encoded.n_tokens,
        encoded.truncated,
        encoder.checkpoint.max_length,
    )


def _leading(vectors: npt.NDArray[np.float32], dimensions: int) -> npt.NDArray[np.float32]:
    """The first `dimensions` columns, normalised again (Kusupati et al. 2022, Matryoshka)."""
    cut = vectors[:, :dimensions]
    norms = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.asarray(cut / np.maximum(norms, 1e-12), dtype=np.float32)
