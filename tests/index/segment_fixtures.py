"""Fixtures of the tests of segments and generations; `conftest` hands them out."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from molt.artifact import text_hash
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.generations.generation import GenerationStore
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.segment import ROW

__all__ = [
    "segment_catalog",
    "segment_catalog_url",
    "segment_collection",
    "segment_encoder",
    "segment_rows",
    "segment_store",
    "segment_vectors",
    "segment_writer",
]


class CountingEncoder:
    """Random but fixed unit vectors for texts; `texts` holds what was ever encoded, in order."""

    def __init__(self, dimension: int = 16) -> None:
        self.dimension = dimension
        self.texts: list[str] = []

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts.extend(texts)
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> npt.NDArray[np.float32]:
        seed = int.from_bytes(text_hash(text), "big")
        return unit_vectors(1, dimension=self.dimension, seed=seed)[0]


def unit_vectors(n: int, *, dimension: int = 16, seed: int = 0) -> npt.NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_rows(
    ordinals: Sequence[int], *, revisions: Sequence[int] | None = None
) -> npt.NDArray[np.void]:
    rows = np.zeros(len(ordinals), ROW)
    rows["ordinal"] = ordinals
    rows["revision"] = ordinals if revisions is None else revisions
    rows["end"] = 10
    for place in range(1, len(rows)):
        if ordinals[place] == ordinals[place - 1]:
            rows["passage"][place] = rows["passage"][place - 1] + 1
    rows["hash"] = [np.void(text_hash(f"{row}")) for row in rows.tolist()]  # type: ignore[str-bytes-safe]
    return rows


@pytest.fixture
def segment_vectors() -> Callable[..., npt.NDArray[np.float32]]:
    """`segment_vectors(n, dimension=16, seed=0)`: `(n, dimension) float32`, L2-normalised."""
    return unit_vectors


@pytest.fixture
def segment_rows() -> Callable[..., npt.NDArray[np.void]]:
    """`segment_rows(ordinals, revisions=ordinals)`: a repeated ordinal gets a further passage."""
    return make_rows


@pytest.fixture
def segment_encoder() -> CountingEncoder:
    """An encoder of 16 dimensions that remembers what it encoded."""
    return CountingEncoder()


@pytest.fixture
def segment_store(tmp_path: Path) -> GenerationStore:
    """An empty store of generations."""
    return GenerationStore(tmp_path / "generations")


@pytest.fixture
def segment_catalog_url(tmp_path: Path) -> str:
    """SQLite; a module whose claims depend on the database has PostgreSQL besides."""
    return home_url(tmp_path)


@pytest.fixture
def segment_catalog(segment_catalog_url: str) -> Iterator[Catalog]:
    """A real catalog."""
    catalog = open_catalog(segment_catalog_url)
    yield catalog
    catalog.close()


@pytest.fixture
def segment_collection(segment_catalog: Catalog) -> Collection:
    """An empty collection of `segment_catalog`."""
    return segment_catalog.collections.create("default")


@pytest.fixture
def segment_writer(
    segment_store: GenerationStore,
    segment_catalog: Catalog,
    segment_collection: Collection,
    segment_encoder: CountingEncoder,
) -> Callable[..., GenerationWriter]:
    """`segment_writer(generation_id=None, encoder=...)`: opens a writer, of a new generation."""

    def open_writer(
        generation_id: str | None = None, *, encoder: PassageEncoder | None = None
    ) -> GenerationWriter:
        if generation_id is None:
            generation_id = segment_store.create(
                collection=segment_collection.id, checkpoint="c" * 16, dimension=16
            ).id
        return GenerationWriter(
            segment_store,
            generation_id,
            catalog=segment_catalog,
            collection=segment_collection,
            encoder=encoder or PassageEncoder(segment_encoder),
        )

    return open_writer
