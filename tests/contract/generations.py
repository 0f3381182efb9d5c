"""What the contracts of generations are held to by: the store on disk, and one in memory."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import Document
from molt.index.generations.generation import GenerationManifest, GenerationStore
from molt.index.generations.protocols import SearchableGeneration, WritableGeneration
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.snapshot import open_snapshot
from molt.index.generations.writer import GenerationWriter
from molt.index.passages.cutting import Span
from molt.index.segments.exact import Vectors
from tests.memory_generation import MemoryStore, MemoryWriter

DIMENSION = 16
CHECKPOINT = "c" * 16


@dataclass
class Encoder:
    """A direction for each text; a text is cut at every semicolon. `texts` are those encoded."""

    texts: list[str] = field(default_factory=list)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return np.stack([vector(text) for text in texts])

    @staticmethod
    def split(document: Document) -> list[Span]:
        text = document.text
        ends = [at for at, char in enumerate(text) if char == ";"] + [len(text)]
        return [Span(a, b) for a, b in zip([0, *(end + 1 for end in ends)], ends, strict=False)]


def vector(text: str) -> Vectors:
    """`(DIMENSION,) float32`, L2-normalised; equal texts have equal ones."""
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
    made = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return made / np.linalg.norm(made)


class Backend(ABC):
    """Generations of one collection in some store, and the catalog that they follow."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self.catalog = catalog
        self.folder = folder
        self.collection = catalog.collections.create("shop")
        self.encoder = Encoder()
        self.passages = PassageEncoder(self.encoder, self.encoder.split)

    def put(self, **texts: str) -> None:
        """Keep documents by id; a document's metadata is the length of its text."""
        documents = [
            Document(name, text, metadata={"n": len(text)}) for name, text in texts.items()
        ]
        self.catalog.documents.upsert(self.collection, documents)

    def delete(self, name: str) -> None:
        self.catalog.documents.delete(self.collection, name)

    def found(self, generation: SearchableGeneration, **search: Any) -> dict[str, str]:
        """Everything that is found, by id: the text by which it is."""
        ordinals = [one.ordinal for one in generation.search(vector("any"), k=1000, **search).hits]
        stored = self.catalog.documents.hydrate(self.collection, ordinals)
        assert len(stored) == len(ordinals)
        return {stored[one].document.id: self._answers(generation, one) for one in ordinals}

    def refreshed(self, generation: SearchableGeneration) -> SearchableGeneration:
        """The same generation as it and the catalog now are."""
        manifest = self.read(generation.manifest.id)
        delta = self.catalog.documents.liveness(self.collection, after=generation.revision)
        return generation.refreshed(manifest, delta)

    def _answers(self, generation: SearchableGeneration, ordinal: int) -> str:
        """Which text that was ever encoded finds a document."""
        for text in self.encoder.texts:
            best = generation.search(vector(text), k=1).hits[0]
            if best.ordinal == ordinal and best.score > 0.999:
                return text
        raise AssertionError(f"no text finds the document at {ordinal}")

    @abstractmethod
    def create(self, *, checkpoint: str = CHECKPOINT) -> str:
        """An empty generation; its id."""

    @abstractmethod
    def read(self, generation_id: str) -> GenerationManifest:
        """The manifest as it was last published."""

    @abstractmethod
    def open(self, generation_id: str) -> SearchableGeneration:
        """The generation as it and the catalog now are."""

    @abstractmethod
    def writer(self, generation_id: str) -> WritableGeneration:
        """The writer of a generation."""


class SegmentBackend(Backend):
    """Ours: segments on disk."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        super().__init__(catalog, folder)
        self._store = GenerationStore(folder / "generations")

    def create(self, *, checkpoint: str = CHECKPOINT) -> str:
        return self._store.create(
            collection=self.collection.id, checkpoint=checkpoint, dimension=DIMENSION
        ).id

    def read(self, generation_id: str) -> GenerationManifest:
        return self._store.read(generation_id)

    def open(self, generation_id: str) -> SearchableGeneration:
        manifest = self.read(generation_id)
        liveness = self.catalog.documents.liveness(self.collection)
        return open_snapshot(self._store, manifest, liveness)

    def writer(self, generation_id: str) -> WritableGeneration:
        return GenerationWriter(
            self._store,
            generation_id,
            catalog=self.catalog,
            collection=self.collection,
            encoder=self.passages,
        )


class MemoryBackend(Backend):
    """The reference: dictionaries in memory."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        super().__init__(catalog, folder)
        self._store = MemoryStore()

    def create(self, *, checkpoint: str = CHECKPOINT) -> str:
        return self._store.create(
            collection=self.collection.id, checkpoint=checkpoint, dimension=DIMENSION
        )

    def read(self, generation_id: str) -> GenerationManifest:
        return self._store.manifests[generation_id]

    def open(self, generation_id: str) -> SearchableGeneration:
        liveness = self.catalog.documents.liveness(self.collection)
        return self._store.open(generation_id, liveness)

    def writer(self, generation_id: str) -> WritableGeneration:
        return MemoryWriter(
            self._store,
            generation_id,
            catalog=self.catalog,
            collection=self.collection,
            encoder=self.passages,
        )


def drain(writer: WritableGeneration, *, limit: int = 100) -> None:
    """Index all there is."""
    while writer.advance(limit):
        pass
