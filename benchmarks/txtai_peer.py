"""The peer txtai: its index is made and its queries are encoded here, in an environment of its own.

    TXTAI_PEER=FOLDER python -m benchmarks.txtai_peer       makes the index of FOLDER
    TXTAI_PEER=FOLDER CONFIG=FOLDER/txtai.yml ALLOW_RESOLVE_TRANSFORM=True uvicorn txtai.api:app

Its hybrid search as its documentation has it (`hybrid: true`, `content: true`), with the vectors of
Molt's home and the graph that Molt serves. `FOLDER` is as `hybrid_home.lend_texts` makes it.
"""

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

FOLDER = Path(os.environ["TXTAI_PEER"])
CONFIG = """\
path: {index}
writable: false
embeddings:
  method: external
  transform: benchmarks.txtai_peer.encode
  hybrid: true
  content: true
"""
tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
tokenizer.no_padding()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(FOLDER / "model.onnx", options)


def encode(texts: list[str]) -> npt.NDArray[np.float32]:
    """The vectors of queries, `(n, dim)`."""
    vectors = []
    for text in texts:
        tokens = tokenizer.encode(text)
        fed = {"input_ids": [tokens.ids], "attention_mask": [tokens.attention_mask]}
        vectors.append(session.run(None, {name: np.array(ids) for name, ids in fed.items()})[0][0])
    return np.array(vectors, np.float32)


def main() -> None:
    """Make the index; txtai asks for the vectors of texts in their order."""
    txtai = import_module("txtai")  # which is there in an environment of its own
    with (FOLDER / "documents.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    vectors = iter(np.load(FOLDER / "vectors.npy"))

    def known(texts: list[str]) -> npt.NDArray[np.float32]:
        return np.array([next(vectors) for _ in texts])

    settings: dict[str, Any] = {"method": "external", "transform": known}
    made = txtai.Embeddings(settings | {"hybrid": True, "content": True})
    made.index((doc_id, {"text": text, "share": share}, None) for doc_id, text, share in rows)
    made.config["transform"] = "benchmarks.txtai_peer.encode"
    made.save(str(FOLDER / "index"))
    (FOLDER / "txtai.yml").write_text(CONFIG.format(index=FOLDER / "index"), encoding="utf-8")


if __name__ == "__main__":
    main()
