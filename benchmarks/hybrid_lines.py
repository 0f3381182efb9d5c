"""The peer of `hybrid`: hybrid search as one would write it in a few lines.

    HYBRID_LINES=FOLDER uvicorn benchmarks.hybrid_lines:app

As `forty_lines`, and BM25 by tantivy beside it: reciprocal ranks of the 100 best of either (Cormack
et al., SIGIR 2009). No filters, facets, marks, synonyms, limits or writes. `FOLDER` is as
`hybrid_home.build_lines` makes it.
"""

import json
import os
import re
import sqlite3
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import onnxruntime
import tantivy
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

FOLDER = Path(os.environ["HYBRID_LINES"])
POOL, CONSTANT = 100, 60
tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
tokenizer.no_padding()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", options)
index = faiss.read_index(str(FOLDER / "index.faiss"))
index.hnsw.efSearch = 200
words = tantivy.Index.open(str(FOLDER / "words"))
searcher = words.searcher()
connections = threading.local()
app = FastAPI()


class Search(BaseModel):
    """What is asked."""

    query: str
    k: int = 10


def by_meaning(query: str) -> list[int]:
    """The nearest rows."""
    tokens = tokenizer.encode(query)
    fed = {"input_ids": [tokens.ids], "attention_mask": [tokens.attention_mask]}
    vectors, *_ = session.run(None, {name: np.array(ids) for name, ids in fed.items()})
    faiss.omp_set_num_threads(1)
    rows: list[int] = index.search(vectors, POOL)[1][0].tolist()
    return rows


def by_words(query: str) -> list[int]:
    """The rows that share most with the query by BM25."""
    parsed = words.parse_query(" ".join(re.findall(r"\w+", query.lower())), ["text"])
    hits = searcher.search(parsed, POOL, count=False).hits
    return searcher.fast_field_values("row", [place for _, place in hits])


@app.post("/search")
def search(body: Search) -> dict[str, Any]:
    """The best documents by reciprocal ranks."""
    scores: dict[int, float] = defaultdict(float)
    for leg in (by_meaning(body.query), by_words(body.query)):
        for rank, row in enumerate(leg, 1):
            scores[row] += 1 / (CONSTANT + rank)
    best = sorted(scores, key=lambda row: -scores[row])[: body.k]
    if not hasattr(connections, "sqlite"):
        connections.sqlite = sqlite3.connect(FOLDER / "documents.sqlite3")
    sql = f"SELECT * FROM documents WHERE row IN ({','.join('?' * len(best))})"
    found = {row: rest for row, *rest in connections.sqlite.execute(sql, best)}
    hits = []
    for row in best:
        hit = dict(zip(("id", "title", "text", "metadata"), found[row], strict=True))
        hits.append(hit | {"score": scores[row], "metadata": json.loads(hit["metadata"])})
    return {"hits": hits}


@app.get("/readyz")
def ready() -> None:
    """It serves."""
