"""A static embedding on disk: a table of token vectors and the tokenizer that reads texts for it.

Both sentence-transformers and model2vec load what is written here. What it learnt is nobody's
business here.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from molt.encoder.content import STATIC, read_object
from molt.encoder.weights import Tensors
from molt.training.errors import ModelSourceError

_TABLE = "embeddings"


@dataclass(frozen=True)
class TokenTable:
    """A vector of each token id, `(tokens, dim) float32`, and the JSON of a fast tokenizer."""

    vectors: NDArray[np.float32]
    tokenizer: dict[str, Any]


def read_vector_table(folder: Path) -> TokenTable:
    """What lies in a directory that the allow-list has passed.

    Raises `ModelSourceError` where the tokenizer is missing or knows tokens that have no vector.
    """
    path = folder / "tokenizer.json"
    if not path.exists():
        raise ModelSourceError(f"{folder}: a static embedding needs its tokenizer.json")
    tensors = Tensors(folder / "model.safetensors")
    (name,) = tensors.names
    table = TokenTable(tensors.whole(name).copy(), read_object(path))
    ids = Tokenizer.from_file(str(path)).get_vocab().values()
    if max(ids, default=0) >= len(table.vectors):
        raise ModelSourceError(
            f"{folder}: the tokenizer knows {len(ids)} tokens, the table {len(table.vectors)}"
        )
    return table


def write_table(table: TokenTable, folder: Path, *, max_length: int) -> None:
    """Write the model into `folder`, so that whoever reads it cuts texts at `max_length` tokens.

    sentence-transformers asks the tokenizer for no special tokens, pads nothing, and knows no limit
    but the tokenizer's own. With all three in its file every reader does the same.
    """
    from safetensors.numpy import save_file  # noqa: PLC0415 - who only serves has no need of it

    vectors = np.ascontiguousarray(table.vectors, dtype=np.float32)
    save_file({_TABLE: vectors}, folder / "model.safetensors", metadata={"format": "pt"})
    cut = {"direction": "Right", "max_length": max_length, "strategy": "LongestFirst", "stride": 0}
    reading = {"truncation": cut, "padding": None, "post_processor": None}
    _write_json(folder / "tokenizer.json", table.tokenizer | reading)
    _write_json(
        folder / "config.json",
        {
            "model_type": STATIC,
            "architectures": ["StaticModel"],
            "hidden_dim": table.vectors.shape[1],
            "max_length": max_length,
            "normalize": True,
        },
    )
    _write_json(folder / "modules.json", _modules())


def _modules() -> list[dict[str, Any]]:
    parts = (("StaticEmbedding", ""), ("Normalize", "1_Normalize"))
    return [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(parts)
    ]


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
