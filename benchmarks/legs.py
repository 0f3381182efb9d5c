"""The two legs of a hybrid search over whole corpora, kept on disk for experiments with fusion.

Dense: the built-in encoder as it serves here, exact search. Lexical: BM25 by tantivy over title and
text in one field, with simple tokens in lower case, folded to ASCII, without English stop words,
in English Snowball stems. Rankings are the 200 best of either, without an index of Molt's.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tantivy import (
    Document,
    Filter,
    Index,
    Occur,
    Query,
    SchemaBuilder,
    TextAnalyzerBuilder,
    Tokenizer,
)

from benchmarks.beir import Corpus, read_corpus
from benchmarks.checkpoint import default_checkpoint
from molt.encoder import Encoder, open_encoder, read_checkpoint
from molt.encoder.host import cores
from molt.encoder.vector_cache import encode_documents, encode_queries
from molt.index.segments.exact import rank_queries

CORPORA = (
    "devops_se",
    "chorus_icecat",
    "cranfield",
    "medquad",
    "scitldr",
    "wikiqa",
    "arxiv",
    "stdlib",
)
JUDGED_ALTOGETHER = ("cranfield", "chorus_icecat")
DEPTH = 200
ARXIV_DOCUMENTS = 10_000
SEED = 20_261
K1 = 1.2
PATIENCE = 600.0
"""Seconds for a text: a machine that others share may leave an encoder waiting for long."""
_FIELD = "text"
_ANALYZER = "molt"

Rows = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Leg:
    """For each query `rows` and `scores` `(n, DEPTH)`, best first; row -1 where there are fewer."""

    rows: Rows
    scores: Scores


@dataclass(frozen=True)
class Legs:
    """Both legs of the same queries; `ceilings` `(n,)` are the most that BM25 could give."""

    dense: Leg
    lexical: Leg
    ceilings: npt.NDArray[np.float64]


def corpus(name: str, *, data: Path, scratch: Path) -> Corpus:
    """A corpus with the queries that it is judged by: all where there are few, else those of test.

    That of the standard library is written first; of arXiv's ten thousand documents are drawn.
    """
    folder = data / name
    if name == "stdlib":
        folder = scratch / "stdlib-corpus"
        if not folder.exists():
            subprocess.run([sys.executable, "demo/corpus.py", str(folder)], check=True)
    found = replace(
        read_corpus(folder, split="all" if name in JUDGED_ALTOGETHER else "test"), name=name
    )
    return answerable(sample(found, ARXIV_DOCUMENTS) if name == "arxiv" else found)


def sample(whole: Corpus, count: int) -> Corpus:
    """`count` documents drawn once."""
    drawn = np.random.default_rng(SEED).permutation(len(whole.doc_ids))[:count]
    kept = sorted(drawn.tolist())
    return Corpus(
        whole.name,
        [whole.doc_ids[at] for at in kept],
        [whole.texts[at] for at in kept],
        whole.query_ids,
        whole.queries,
        whole.qrels,
    )


def answerable(whole: Corpus) -> Corpus:
    """The queries that have a relevant document in the corpus."""
    there = set(whole.doc_ids)
    qrels = {
        query: {document: grade for document, grade in judged.items() if document in there}
        for query, judged in whole.qrels.items()
    }
    kept = [at for at, query in enumerate(whole.query_ids) if any(qrels[query].values())]
    return Corpus(
        whole.name,
        whole.doc_ids,
        whole.texts,
        [whole.query_ids[at] for at in kept],
        [whole.queries[at] for at in kept],
        qrels,
    )


class Lexicon:
    """A corpus in tantivy, in memory."""

    def __init__(self, texts: Sequence[str]) -> None:
        builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase())
        builder = builder.filter(Filter.ascii_fold()).filter(Filter.stopword("english"))
        self._analyzer = builder.filter(Filter.stemmer("english")).build()
        schema = SchemaBuilder()
        schema.add_text_field(_FIELD, tokenizer_name=_ANALYZER)
        schema.add_unsigned_field("row", stored=False, indexed=False, fast=True)
        self._schema = schema.build()
        self._index = Index(self._schema)
        self._index.register_tokenizer(_ANALYZER, self._analyzer)
        writer = self._index.writer(num_threads=1)
        for row, text in enumerate(texts):
            document = Document()
            document.add_text(_FIELD, text)
            document.add_unsigned("row", row)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def terms(self, text: str) -> list[str]:
        """The terms of a text, as often as they occur."""
        return list(self._analyzer.analyze(text))

    def frequency(self, term: str) -> int:
        """How many documents hold a term."""
        return int(self._searcher.doc_freq(_FIELD, term))

    def ceiling(self, text: str) -> float:
        """The most that a document could score: k1 + 1 times the terms' inverse frequencies."""
        count = self._searcher.num_docs
        having = np.array([self.frequency(term) for term in self.terms(text)], np.float64)
        return float((1 + K1) * np.log1p((count - having + 0.5) / (having + 0.5)).sum())

    def rank(self, text: str) -> tuple[list[int], list[float]]:
        """The best rows for any of the text's terms, and their scores; a term counts each time."""
        return self.best(text, count=DEPTH)

    def best(self, text: str, *, count: int) -> tuple[list[int], list[float]]:
        """As `rank`, so many of them."""
        terms = [
            (Occur.Should, Query.term_query(self._schema, _FIELD, term))
            for term in self.terms(text)
        ]
        if not terms:
            return [], []
        found = self._searcher.search(Query.boolean_query(terms), count, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in found])
        return [int(row) for row in rows], [score for score, _ in found]


def lexical_leg(lexicon: Lexicon, queries: Sequence[str]) -> Leg:
    """Rank every query; equal scores by rising row."""
    rows = np.full((len(queries), DEPTH), -1, np.int32)
    scores = np.zeros((len(queries), DEPTH), np.float32)
    for at, text in enumerate(queries):
        found, reached = lexicon.rank(text)
        order = np.lexsort((found, -np.array(reached)))
        rows[at, : len(found)] = np.array(found, np.int32)[order]
        scores[at, : len(found)] = np.array(reached, np.float32)[order]
    return Leg(rows, scores)


def dense_leg(queries: Scores, documents: Scores) -> Leg:
    """Rank every query by vectors `(n, dim)`."""
    found = rank_queries(queries, documents, depth=DEPTH, threads=cores())
    return Leg(found.rows, found.scores)


class LazyEncoder:
    """The encoder that a new home serves with, opened where something has to be encoded."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    @cached_property
    def opened(self) -> Encoder:
        """The encoder; a home's default checkpoint is made where `scratch` has none."""
        checkpoint = read_checkpoint(default_checkpoint(self._scratch / "default"))
        return open_encoder(checkpoint, cache=self._scratch / "cache", seconds=PATIENCE)


def kept_legs(whole: Corpus, *, scratch: Path, encoder: LazyEncoder) -> Legs:
    """Both legs of a corpus' queries, from `scratch` where they were made before."""
    path = scratch / "legs" / f"{whole.name}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **_made(whole, scratch=scratch, encoder=encoder.opened))
    with np.load(path) as kept:
        dense = Leg(kept["dense_rows"], kept["dense_scores"])
        return Legs(dense, Leg(kept["lexical_rows"], kept["lexical_scores"]), kept["ceilings"])


def _made(whole: Corpus, *, scratch: Path, encoder: Encoder) -> dict[str, npt.NDArray[Any]]:
    documents = encode_documents(encoder, whole.texts, cache=scratch / "cache")
    dense = dense_leg(encode_queries(encoder, whole.queries), documents)
    lexicon = Lexicon(whole.texts)
    lexical = lexical_leg(lexicon, whole.queries)
    return {
        "dense_rows": dense.rows,
        "dense_scores": dense.scores,
        "lexical_rows": lexical.rows,
        "lexical_scores": lexical.scores,
        "ceilings": np.array([lexicon.ceiling(text) for text in whole.queries]),
    }
