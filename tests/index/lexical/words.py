"""A collection whose words are indexed, for the tests of its parts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.lexical.analysis import DEFAULT_ANALYSIS, Analysis
from molt.index.lexical.commit import LexicalStore
from molt.index.lexical.lexical_index import LexicalIndex, open_lexical_index
from molt.index.lexical.writer import LexicalWriter

__all__ = ["word_home"]


def worded(doc_id: str, text: str, title: str = "", **metadata) -> Document:
    return Document(doc_id, text, title, metadata)


@dataclass
class WordHome:
    """A catalog with one collection, and the store of its lexical index."""

    root: Path
    catalog: Catalog
    writers: list[LexicalWriter] = field(default_factory=list)

    @property
    def store(self) -> LexicalStore:
        """One that has read nothing yet."""
        return LexicalStore(self.root / "lexical")

    @property
    def collection(self) -> Collection:
        return self.catalog.collections.get("default")

    @property
    def folder(self) -> Path:
        return self.store.path(self.collection.id)

    def put(self, *documents: Document) -> None:
        self.catalog.documents.upsert(self.collection, documents)

    def delete(self, doc_id: str) -> None:
        self.catalog.documents.delete(self.collection, doc_id)

    def writer(
        self, analysis: Analysis = DEFAULT_ANALYSIS, *, store: LexicalStore | None = None
    ) -> LexicalWriter:
        made = LexicalWriter(
            store or self.store,
            catalog=self.catalog,
            collection=self.collection,
            analysis=analysis,
        )
        self.writers.append(made)
        return made

    def index(self, *documents: Document, analysis: Analysis = DEFAULT_ANALYSIS) -> LexicalIndex:
        """Keep documents, index all there is, and open that."""
        if documents:
            self.put(*documents)
        writer = self.writer(analysis)
        while writer.advance(limit=100):
            continue
        writer.close()
        return self.open()

    def open(self) -> LexicalIndex:
        store = self.store
        commit = store.read(self.collection.id)
        assert commit is not None
        return open_lexical_index(store, commit)

    def strays(self) -> list[Path]:
        store, number = self.store, self.collection.id
        return store.strays(number, named=store.read(number))

    def found(self, index: LexicalIndex, query: str, *, k: int = 100) -> list[str]:
        """The ids that a query finds, best first; of what was deleted the ordinal."""
        hits = index.search(index.plan(query), k=k)
        stored = self.catalog.documents.hydrate(self.collection, hits.ordinals.tolist())
        return [
            stored[ordinal].document.id if ordinal in stored else str(ordinal)
            for ordinal in hits.ordinals.tolist()
        ]

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
        self.catalog.close()


@pytest.fixture
def word_home(tmp_path: Path) -> Iterator[WordHome]:
    """A catalog with an empty collection `default`."""
    root = tmp_path / "home"
    root.mkdir()
    home = WordHome(root, open_catalog(home_url(root)))
    home.catalog.collections.create("default")
    yield home
    home.close()
