"""What Molt's answers say: rankings of `/search`, vectors of `/v1/embeddings`."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt


def ranking(answer: bytes) -> dict[str, float]:
    """Document ids with their scores, best first."""
    return {hit["id"]: hit["score"] for hit in json.loads(answer)["hits"]}


def embedded(answers: Iterable[bytes]) -> npt.NDArray[np.float32]:
    """The vectors of answers with one text each, in either encoding format: `(n, dim) float32`."""
    vectors = [_vector(json.loads(answer)["data"][0]["embedding"]) for answer in answers]
    return np.stack(vectors)


def _vector(embedding: Any) -> npt.NDArray[np.float32]:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding), dtype="<f4")
    return np.asarray(embedding, dtype=np.float32)
