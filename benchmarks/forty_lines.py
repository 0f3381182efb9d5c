"""The peer: semantic search as one would write it in forty lines, and serve tomorrow.

    FORTY_LINES=FOLDER uvicorn benchmarks.forty_lines:app

The graph that Molt serves in ONNX Runtime on one thread a request, FAISS HNSW, SQLite. It finds
documents by their vectors and can do nothing else: no writes, no filters, no limits, no swap.
`FOLDER` holds `model.onnx`, `tokenizer.json`, `index.faiss` and `documents.sqlite3`, as `peers`
makes them.
"""

import json
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel
from tokenizers import Tokenizer

FOLDER = Path(os.environ["FORTY_LINES"])
tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
tokenizer.no_padding()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", options)
index = faiss.read_index(str(FOLDER / "index.faiss"))
index.hnsw.efSearch = 200
connections = threading.local()
app = FastAPI()


class Search(BaseModel):
    """What is asked."""

    query: str
    k: int = 10


@app.post("/search")
def search(body: Search) -> dict[str, Any]:
    """The best documents by their vectors."""
    tokens = tokenizer.encode(body.query)
    fed = {"input_ids": [tokens.ids], "attention_mask": [tokens.attention_mask]}
    vectors, *_ = session.run(None, {name: np.array(ids) for name, ids in fed.items()})
    faiss.omp_set_num_threads(1)
    scores, rows = (found[0].tolist() for found in index.search(vectors, body.k))
    if not hasattr(connections, "sqlite"):
        connections.sqlite = sqlite3.connect(FOLDER / "documents.sqlite3")
    marks = ",".join("?" * len(rows))
    sql = f"SELECT row, id, title, text, metadata FROM documents WHERE row IN ({marks})"
    names = ("id", "title", "text", "metadata")
    found = {row: rest for row, *rest in connections.sqlite.execute(sql, rows)}
    hits = []
    for score, row in zip(scores, rows, strict=True):
        hit = dict(zip(names, found[row], strict=True))
        hits.append(hit | {"score": score, "metadata": json.loads(hit["metadata"])})
    return {"hits": hits}


@app.get("/readyz")
def ready() -> None:
    """It serves."""
