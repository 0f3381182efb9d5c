"""Models: the names under which embeddings may be asked for, and the embeddings.

A name is a checkpoint id, a collection (then it is the encoder that serves it) or `default`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.artifact import ArtifactError
from molt.encoder.checkpoint import Checkpoint
from molt.encoder.encoder import Encoder, InputType, Lane
from molt.encoder.errors import CheckpointNotFoundError, UnsoundVectorsError
from molt.encoder.store import CheckpointStore
from molt.engine.encoders import Encoders
from molt.engine.errors import InvalidDimensionsError, UnknownModelError
from molt.engine.live import LiveCollections, default_checkpoint
from molt.index.catalog.access.reach import EVERYTHING, Reach
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.errors import CollectionNotFoundError, InvalidNameError


@dataclass(frozen=True)
class EmbeddingResult:
    """`vectors` `(n, dim) float32` L2-normalised, `n_tokens` `(n,) int32`."""

    checkpoint: str
    vectors: npt.NDArray[np.float32]
    n_tokens: npt.NDArray[np.int32]


@dataclass(frozen=True)
class ModelCard:
    """A name that embeddings may be asked of; `root` is the checkpoint behind it."""

    id: str
    root: str
    created: int
    dimension: int
    max_length: int


class Models:
    """Finds the encoder behind a name. Thread-safe."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        checkpoints: CheckpointStore,
        encoders: Encoders,
        live_collections: LiveCollections,
    ) -> None:
        self._catalog = catalog
        self._checkpoints = checkpoints
        self._encoders = encoders
        self._live_collections = live_collections

    @contextmanager
    def encoder(self, name: str) -> Iterator[Encoder]:
        """The encoder, for the time of one request.

        Raises `UnknownModelError`, `UnavailableError` where it cannot be loaded, and
        `EncodersBusyError` where requests use as many others as may be open for them.
        """
        serving = self._serving(name)
        if serving is not None:
            yield serving
            return
        try:
            with self._encoders.lend(name) as encoder:
                yield encoder
        except CheckpointNotFoundError:
            raise _unknown(name) from None

    def is_open(self, name: str) -> bool:
        """Can a name encode at once, without that anything is loaded?"""
        live = self._live_collections
        root = live.default_id if name == DEFAULT else name
        return live.holds(name) or (root is not None and self._encoders.is_open(root))

    def embed(
        self, texts: Sequence[str], *, model: str, input_type: InputType, dimensions: int | None
    ) -> EmbeddingResult:
        """Encode `texts`; with `dimensions` the leading ones, normalised again.

        Raises as `encoder` does, and `InvalidDimensionsError`.
        """
        with self.encoder(model) as encoder:
            return _embed(encoder, texts, model=model, input_type=input_type, dimensions=dimensions)

    def _serving(self, name: str) -> Encoder | None:
        """What serves the collection or the alias of that name."""
        if name == DEFAULT and not self._live_collections.holds(name):
            return self._live_collections.default()
        with suppress(CollectionNotFoundError, InvalidNameError):
            return self._live_collections.get(name).encoder
        return None

    def check_reach(self, name: str, reach: Reach) -> None:
        """Raise `UnknownModelError` for a name behind which is a collection beyond `reach`.

        It says the same of a name behind which is nothing.
        """
        if not reach.limited:
            return
        with suppress(CollectionNotFoundError, InvalidNameError):
            named = self._catalog.collections.get(name).name
            if not reach.covers(named):
                raise _unknown(name)
            return
        with suppress(CheckpointNotFoundError, ArtifactError):
            if not covers_checkpoint(reach, self._checkpoints.read(name)):
                raise _unknown(name)

    def cards(self, reach: Reach = EVERYTHING) -> tuple[ModelCard, ...]:
        """Every name within `reach` that `encoder` takes, in alphabetical order."""
        surveyed = self._checkpoints.survey().checkpoints
        checkpoints = {checkpoint.id: checkpoint for checkpoint in surveyed}
        roots = {DEFAULT: default_checkpoint(self._catalog)}
        roots |= {each.id: each.id for each in surveyed if covers_checkpoint(reach, each)}
        for collection in self._catalog.collections.list():
            if not reach.covers(collection.name):
                continue
            with suppress(CollectionNotFoundError):
                live = self._live_collections.known(collection.name).live
                if live is not None:
                    roots[collection.name] = live.encoder.checkpoint.id
        return tuple(
            _card(name, checkpoints[root])
            for name, root in sorted(roots.items())
            if root in checkpoints
        )


def covers_checkpoint(reach: Reach, checkpoint: Checkpoint) -> bool:
    """May a key know of a checkpoint? Not where it learnt from a collection that is not its."""
    learnt_from = checkpoint.data.get("collection")
    return learnt_from is None or reach.covers(str(learnt_from))


def _unknown(name: str) -> UnknownModelError:
    return UnknownModelError(f"no model {name!r}; GET /v1/models lists the names")


def _embed(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    model: str,
    input_type: InputType,
    dimensions: int | None,
) -> EmbeddingResult:
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
    return EmbeddingResult(encoder.checkpoint.id, vectors, encoded.n_tokens)


def _leading(vectors: npt.NDArray[np.float32], dimensions: int) -> npt.NDArray[np.float32]:
    """The first `dimensions` columns, normalised again (Kusupati et al. 2022, Matryoshka)."""
    cut = vectors[:, :dimensions]
    norms = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.asarray(cut / np.maximum(norms, 1e-12), dtype=np.float32)


def _card(name: str, checkpoint: Checkpoint) -> ModelCard:
    return ModelCard(
        id=name,
        root=checkpoint.id,
        created=int(checkpoint.created_at.timestamp()),
        dimension=checkpoint.dimension,
        max_length=checkpoint.max_length,
    )
