"""The two legs of a hybrid search over whole corpora, kept on disk for experiments with fusion.

Dense: the built-in encoder as it serves here, exact search. By words: a lexical index in memory, by
the default analysis. Rankings are the 200 best of either.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.beir import Corpus, read_corpus
from benchmarks.checkpoint import default_checkpoint
from molt.encoder import Encoder, open_encoder, read_checkpoint
from molt.encoder.host import cores
from molt.encoder.vector_cache import encode_documents, encode_queries
from molt.index.catalog.document import Document
from molt.index.lexical.lexical_index import LexicalIndex, index_in_memory
from molt.index.ranking.field_weights import NO_WEIGHTS, FieldWeights
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
LARGE = ("medquad", "arxiv")
DEPTH = 200
ARXIV_DOCUMENTS = 10_000
SEED = 20_261
PATIENCE = 600.0
"""Seconds for a text: a machine that others share may leave an encoder waiting for long."""

Rows = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Leg:
    """For each query `rows` and `scores` `(n, DEPTH)`, best first; row -1 where there are fewer."""

    rows: Rows
    scores: Scores


@dataclass(frozen=True)
class WordLegs:
    """That by words; `ceilings` `(n,)` are the most that BM25 could give for each query.

    `n_words` `(n,)` are asked for.
    """

    leg: Leg
    ceilings: npt.NDArray[np.float64]
    n_words: npt.NDArray[np.int64]


def corpus(name: str, *, data: Path, scratch: Path, most: int | None = None) -> Corpus:
    """A corpus with the queries that it is judged by: all where there are few, else those of test.

    That of the standard library is written first. Of arXiv's ten thousand documents are drawn, and
    `most` of the collections in `LARGE`, where that is less.
    """
    folder = data / name
    if name == "stdlib":
        folder = scratch / "stdlib-corpus"
        if not folder.exists():
            subprocess.run([sys.executable, "demo/corpus.py", str(folder)], check=True)
    found = replace(
        read_corpus(folder, split="all" if name in JUDGED_ALTOGETHER else "test"), name=name
    )
    limits = [most] if most is not None and name in LARGE else []
    limits += [ARXIV_DOCUMENTS] if name == "arxiv" else []
    return answerable(sample(found, min(limits)) if limits else found)


def sample(whole: Corpus, count: int) -> Corpus:
    """`count` documents drawn once."""
    drawn = np.random.default_rng(SEED).permutation(len(whole.doc_ids))[:count]
    kept = sorted(drawn.tolist())
    return replace(
        whole,
        doc_ids=[whole.doc_ids[at] for at in kept],
        rows=[whole.rows[at] for at in kept],
        texts=[whole.texts[at] for at in kept],
    )


def answerable(whole: Corpus) -> Corpus:
    """The queries that have a relevant document in the corpus."""
    there = set(whole.doc_ids)
    qrels = {
        query: {document: grade for document, grade in judged.items() if document in there}
        for query, judged in whole.qrels.items()
    }
    kept = [at for at, query in enumerate(whole.query_ids) if any(qrels[query].values())]
    return replace(
        whole,
        query_ids=[whole.query_ids[at] for at in kept],
        queries=[whole.queries[at] for at in kept],
        qrels=qrels,
    )


def documents(whole: Corpus) -> list[Document]:
    """The documents of a corpus as Molt has them."""
    return [
        Document(row["_id"], row["text"], row.get("title") or "", row.get("metadata") or {})
        for row in whole.rows
    ]


def word_legs(index: LexicalIndex, queries: Sequence[str], fields: FieldWeights) -> WordLegs:
    """Rank every query where words count so in fields; equal scores by rising row."""
    rows = np.full((len(queries), DEPTH), -1, np.int32)
    scores = np.zeros((len(queries), DEPTH), np.float32)
    ceilings, n_words = np.zeros(len(queries)), np.zeros(len(queries), np.int64)
    for at, text in enumerate(queries):
        asked = index.plan(text, weights=fields)
        hits = index.search(asked, k=DEPTH)
        order = np.lexsort((hits.ordinals, -hits.scores))
        rows[at, : len(order)], scores[at, : len(order)] = hits.ordinals[order], hits.scores[order]
        ceilings[at], n_words[at] = asked.ceiling, asked.n_words
    return WordLegs(Leg(rows, scores), ceilings, n_words)


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


class KeptLegs:
    """Both legs of a corpus' queries, from `scratch` where they were made before."""

    def __init__(self, whole: Corpus, *, scratch: Path, encoder: LazyEncoder) -> None:
        self._whole = whole
        self._scratch = scratch
        self._encoder = encoder

    @cached_property
    def dense(self) -> Leg:
        """By vectors."""
        with np.load(self._kept("dense", self._dense)) as kept:
            return Leg(kept["rows"], kept["scores"])

    def words(self, fields: FieldWeights = NO_WEIGHTS) -> WordLegs:
        """By words that count so in fields."""
        counted = [f"{path}-{weight:g}" for path, weight in fields.items() if weight]
        name = "-".join(["words", *counted])
        with np.load(self._kept(name, lambda: self._words(fields))) as kept:
            leg = Leg(kept["rows"], kept["scores"])
            return WordLegs(leg, kept["ceilings"], kept["n_words"])

    def _kept(self, name: str, make: Callable[[], Arrays]) -> Path:
        whole = self._whole
        path = self._scratch / "legs" / f"{whole.name}-{len(whole.doc_ids)}-{name}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, **make())
        return path

    def _dense(self) -> Arrays:
        whole, encoder = self._whole, self._encoder.opened
        texts = encode_documents(encoder, whole.texts, cache=self._scratch / "cache")
        leg = dense_leg(encode_queries(encoder, whole.queries), texts)
        return vars(leg)

    def _words(self, fields: FieldWeights) -> Arrays:
        found = word_legs(self._index, self._whole.queries, fields)
        return {**vars(found.leg), "ceilings": found.ceilings, "n_words": found.n_words}

    @cached_property
    def _index(self) -> LexicalIndex:
        return index_in_memory(documents(self._whole))
