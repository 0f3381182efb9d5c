"""A lexical index: one commit, opened. Finds documents by their words; never changes.

It knows nothing of which documents are live: what it finds is the caller's to judge. tantivy's
files are opened when something is first searched for, since each opened index costs a thread.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from tantivy import Index, Occur, Query, Searcher

from molt.index.catalog.document import Document
from molt.index.catalog.documents import StoredDocument
from molt.index.errors import LexicalError
from molt.index.lexical.analysis import DEFAULT_ANALYSIS, Analysis, Analyzer
from molt.index.lexical.commit import LexicalCommit, LexicalStore
from molt.index.lexical.planning import Planner, WordQuery
from molt.index.lexical.schema import (
    ORDINAL,
    REVISION,
    TOKENIZER,
    lexical_schema,
    row_of,
    searched_fields,
    tantivy_errors,
)
from molt.index.lexical.synonyms import NO_SYNONYMS, Synonyms
from molt.index.lexical.syntax import AskedWords, parse_words
from molt.index.ranking.field_weights import NO_WEIGHTS, FieldWeights

_MEMORY = 32 * 2**20
_PLANS = 64
_Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class WordHits:
    """The best documents by falling score, `(k,)` each: float32, and int64 ordinal and revision.

    `total` counts all documents of the index that match, live or not.
    """

    scores: npt.NDArray[np.float32]
    ordinals: npt.NDArray[np.int64]
    revisions: npt.NDArray[np.int64]
    total: int

    def __len__(self) -> int:
        return len(self.ordinals)


class LexicalIndex:
    """The index of `commit`, whose files were compared with its manifest."""

    def __init__(
        self, commit: LexicalCommit, folder: Path, *, opened: Planner | None = None
    ) -> None:
        self.commit = commit
        self.analyzer = Analyzer(commit.analysis)
        self._folder = folder
        self._opening = threading.Lock()
        self._opened = opened

    @property
    def is_open(self) -> bool:
        """Was something searched for?"""
        return self._opened is not None

    @property
    def n_rows(self) -> int:
        """How many documents it holds, live or not. Raises `LexicalError`."""
        return self._planner().searcher.num_docs

    def warm(self) -> None:
        """Open tantivy's files. Raises `LexicalError` where it cannot."""
        self._planner()

    def read(self, text: str) -> AskedWords:
        """A query as it is written for the fields that there are here."""
        return parse_words(text, fields=searched_fields(self.commit.analysis))

    def plan(
        self,
        wanted: AskedWords | str,
        *,
        synonyms: Synonyms = NO_SYNONYMS,
        weights: FieldWeights = NO_WEIGHTS,
    ) -> WordQuery:
        """A query as it is understood here, with these `weights` of fields in place of the index's.

        Raises `LexicalError` where it cannot be opened.
        """
        if isinstance(wanted, str):
            wanted = self.read(wanted)
        key = tuple(weights.items())
        with tantivy_errors():
            if not synonyms.rules:
                return self._plans(wanted, key)
            return self._weighted(key).plan(wanted, synonyms.expansions(self.analyzer))

    def similar(self, word: str, *, k: int) -> WordHits:
        """Up to `k` documents with words that differ from this one by a few letters."""
        planner = self._planner()
        with tantivy_errors():
            query = planner.similar(word) or Query.empty_query()
            return _hits(planner.searcher, query, k=k)

    def frequency(self, word: str) -> int:
        """How many documents have a word, live or not; 0 of what is several."""
        with tantivy_errors():
            return self._planner().frequency(word)

    def matching(self, query: WordQuery) -> WordHits:
        """All documents that match, by rising ordinal.

        Costs about 25 ms for 75,000 of them; to count them takes less than 1 ms.
        """
        count = self.search(query, k=1).total
        found = self.search(query, k=count)
        order = np.argsort(found.ordinals)
        return WordHits(
            found.scores[order], found.ordinals[order], found.revisions[order], found.total
        )

    def search(self, query: WordQuery, *, k: int, among: Sequence[int] | None = None) -> WordHits:
        """The `k` best documents; only those whose ordinals are `among` these, where given.

        Of equal scores, which come first depends on nothing but the commit.
        """
        planner = self._planner()
        asked = query.query
        if among is not None:
            few = Query.term_set_query(planner.schema, ORDINAL, list(among))
            kept = Query.const_score_query(few, 0.0)
            asked = Query.boolean_query([(Occur.Must, asked), (Occur.Must, kept)])
        with tantivy_errors():
            return _hits(planner.searcher, asked, k=k)

    @cached_property
    def _plans(self) -> Callable[[AskedWords, _Weights], WordQuery]:
        """Plans without synonyms, the last of which are known: highlights ask for them again."""
        return lru_cache(_PLANS)(lambda wanted, weights: self._weighted(weights).plan(wanted))

    def _weighted(self, weights: _Weights) -> Planner:
        planner = self._planner()
        return planner.weighted(dict(weights)) if weights else planner

    def _planner(self) -> Planner:
        with self._opening:
            if self._opened is None:
                with tantivy_errors():
                    self._opened = _open(self._folder, self.analyzer)
            return self._opened


def open_lexical_index(
    store: LexicalStore, commit: LexicalCommit, *, former: LexicalIndex | None = None
) -> LexicalIndex:
    """Open a commit, after comparing its files with the manifest; `former` is one before it.

    Raises `CorruptFileError`, which names the file.
    """
    store.verify(commit)
    opened = LexicalIndex(commit, store.commit_path(commit))
    if former is not None and former.is_open:
        opened.warm()
    return opened


def index_in_memory(
    documents: Sequence[Document], *, analysis: Analysis = DEFAULT_ANALYSIS
) -> LexicalIndex:
    """The index of a corpus that has no home, in memory; a document's ordinal is its place.

    Raises `LexicalError`.
    """
    commit = LexicalCommit("memory", 0, 0, len(documents), analysis, {})
    analyzer, schema = Analyzer(analysis), lexical_schema(analysis)
    with tantivy_errors():
        index = Index(schema)
        index.register_tokenizer(TOKENIZER, analyzer.tantivy)
        writer = index.writer(_MEMORY, 1)
        for place, document in enumerate(documents):
            writer.add_document(row_of(StoredDocument(place, 0, document), analysis))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        opened = Planner(analyzer, schema, index.searcher(), n_written=len(documents))
    return LexicalIndex(commit, Path(), opened=opened)


def _open(folder: Path, analyzer: Analyzer) -> Planner:
    """Open tantivy's files; where a folder can only be read, through one of links to its files.

    tantivy makes a lock beside what it opens. What is mapped stays when the links go.
    """
    try:
        return _opened(folder, analyzer)
    except (ValueError, OSError) as error:
        if not (folder / "meta.json").is_file():
            raise LexicalError(f"{folder}: cannot be opened: {error}") from None
    with TemporaryDirectory(prefix="molt-lexical-") as linked:
        for path in folder.iterdir():
            if not path.name.startswith("."):
                (Path(linked) / path.name).symlink_to(path.resolve())
        return _opened(Path(linked), analyzer)


def _opened(folder: Path, analyzer: Analyzer) -> Planner:
    index = Index.open(str(folder))
    index.config_reader("manual")
    index.register_tokenizer(TOKENIZER, analyzer.tantivy)
    schema = lexical_schema(analyzer.analysis)
    return Planner(analyzer, schema, index.searcher(), n_written=_n_written(folder))


def _n_written(folder: Path) -> int:
    """How many documents lie in an index, deleted ones too."""
    segments = json.loads((folder / "meta.json").read_bytes())["segments"]
    return sum(segment["max_doc"] for segment in segments)


def _hits(searcher: Searcher, query: Query, *, k: int) -> WordHits:
    found: Any = searcher.search(query, max(k, 1), count=True)  # the stub leaves `count` out
    hits = found.hits[:k]
    places = [place for _, place in hits]
    return WordHits(
        np.array([score for score, _ in hits], np.float32),
        np.array(searcher.fast_field_values(ORDINAL, places), np.int64),
        np.array(searcher.fast_field_values(REVISION, places), np.int64),
        found.count,
    )
