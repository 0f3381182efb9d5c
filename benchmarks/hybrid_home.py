"""A home of whole abstracts for what hybrid searches cost, and the files of the peers beside it.

75 k abstracts would keep two cores busy for a quarter of an hour. What a search costs does not
depend on what its vectors say, as long as they lie as real ones do: here the vector of an abstract
is that of its first words. Everything else is as an import leaves it.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import tantivy

from benchmarks import arxiv
from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.sealing import seal_all
from molt.encoder import open_encoder, read_checkpoint
from molt.engine.indexing.lexical_writers import LexicalWriters
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.generations.generation import GenerationStore
from molt.index.lexical.commit import LexicalStore

WORDS = 12
RUNTIME = "onnx-int8"
_BATCH = 10_000
_SEGMENT = 200_000
_MEMORY = 128 * 2**20
Vectors = npt.NDArray[np.float32]


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, made elsewhere first: a run that is ended leaves no half of it."""
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        make(making)
        making.rename(folder)
    return folder


def build(home: Path, documents: Sequence[dict[str, Any]], *, scratch: Path) -> None:
    """A home that serves `documents` under the default checkpoint."""
    checkpoint = default_checkpoint(scratch / "default")
    lend(home, checkpoint)
    read = read_checkpoint(checkpoint)
    encoder = open_encoder(read, cache=scratch / "cache", runtime=RUNTIME, seconds=600)

    def embed(texts: Sequence[str]) -> Vectors:
        print(f"{len(texts)} texts are encoded", flush=True)
        return encoder.embed_documents([" ".join(text.split()[:WORDS]) for text in texts])

    catalog = open_catalog(home_url(home))
    with closing(catalog), closing(encoder):
        collection = catalog.collections.create(arxiv.NAME)
        for start in range(0, len(documents), _BATCH):
            batch = documents[start : start + _BATCH]
            rows = [
                Document(one["id"], one["text"], one["title"], one["metadata"]) for one in batch
            ]
            catalog.documents.upsert(collection, rows)
        store = GenerationStore(home / "generations")
        made = store.create(
            collection=collection.id, checkpoint=read.id, dimension=encoder.dimension
        )
        seal_all(
            store, made.id, catalog=catalog, collection=collection, encode=embed, rows=_SEGMENT
        )
        words = LexicalWriters(LexicalStore(home / "lexical"), catalog=catalog, limit=_BATCH)
        with closing(words):
            while words.advance(catalog.collections.get(arxiv.NAME)):
                print("words indexed for about a second", flush=True)
        reason = Reason(text="benchmark")
        catalog.collections.point(arxiv.NAME, generation=made.id, epoch_expected=0, reason=reason)


def lend_graph(folder: Path, *, scratch: Path) -> None:
    """The graph that Molt serves here, and its tokenizer, for a peer."""
    checkpoint = default_checkpoint(scratch / "default")
    shutil.copyfile(checkpoint / "runtime" / "int8.onnx", folder / "model.onnx")
    shutil.copyfile(checkpoint / "tokenizer.json", folder / "tokenizer.json")


def build_lines(folder: Path, documents: Sequence[dict[str, Any]], vectors: Vectors) -> None:
    """The files of `hybrid_lines`, beside the graph; row `i` is of document `i`."""
    rows = [
        (row, one["id"], one["title"], one["text"], json.dumps(one["metadata"]))
        for row, one in enumerate(documents)
    ]
    with closing(sqlite3.connect(folder / "documents.sqlite3")) as made, made:
        made.execute("CREATE TABLE documents (row INTEGER PRIMARY KEY, id, title, text, metadata)")
        made.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", rows)
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(vectors)
    faiss.write_index(index, str(folder / "index.faiss"))
    (folder / "words").mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="en_stem")
    builder.add_unsigned_field("row", fast=True)
    words = tantivy.Index(builder.build(), path=str(folder / "words"))
    writer = words.writer(_MEMORY, 1)
    for row, one in enumerate(documents):
        document = tantivy.Document()
        document.add_text("text", f"{one['title']} {one['text']}")
        document.add_unsigned("row", row)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


def lend_texts(folder: Path, documents: Sequence[dict[str, Any]], vectors: Vectors) -> None:
    """What `txtai_peer` makes its index of."""
    np.save(folder / "vectors.npy", vectors)
    lines = (json.dumps([one["id"], one["text"], one["metadata"]["share"]]) for one in documents)
    (folder / "documents.jsonl").write_text("\n".join(lines), encoding="utf-8")


def index_by_txtai(venv: Path, folder: Path) -> None:
    """Have txtai make the index of `folder`, unless a former run did."""
    if not (folder / "txtai.yml").exists():
        here = {"TXTAI_PEER": str(folder), "PYTHONPATH": str(Path(__file__).parent.parent)}
        command = [str(venv / "bin" / "python"), "-m", "benchmarks.txtai_peer"]
        subprocess.run(command, env=os.environ | here, check=True)
