"""The arXiv corpus as a collection: the one for size, with a field made for filtering.

Each document gets `metadata.share`, a number in [0, 1) that is uniform over the corpus and the
same in every run, so that `share < 0.01` matches one document in a hundred.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.beir import read_jsonl
from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.collection import as_documents, ensure
from benchmarks.server import Server, molt

NAME = "arxiv"
SIZE = 74_709
SEED = 20_261


def shares(count: int) -> npt.NDArray[np.float64]:
    """The numbers `0/count, 1/count, …` in an order drawn once: `(count,) float64`."""
    return np.random.default_rng(SEED).permutation(count) / count


def documents(data: Path, *, count: int) -> list[dict[str, Any]]:
    """The first `count` documents with their shares."""
    rows = list(as_documents(read_jsonl(data / NAME / "corpus.jsonl")))[:count]
    for row, share in zip(rows, shares(len(rows)).tolist(), strict=True):
        row["metadata"] = {**row["metadata"], "share": share}
    return rows


def queries(data: Path) -> list[str]:
    """Every title of the corpus, each once, in an order drawn once."""
    texts = list(dict.fromkeys(row["text"] for row in read_jsonl(data / NAME / "queries.jsonl")))
    order = np.random.default_rng(SEED).permutation(len(texts))
    return [texts[place] for place in order]


def home(scratch: Path, *, count: int) -> Path:
    """Where the collection of `count` documents lives."""
    return scratch / f"{NAME}-{count}"


@contextmanager
def served(data: Path, scratch: Path, *, count: int, worker: bool = False) -> Iterator[Server]:
    """A server that holds the first `count` documents, indexed and at rest."""
    place = home(scratch, count=count)
    lend(place, default_checkpoint(scratch / "default"))
    with molt(place, worker=worker, watch_seconds=0.0) as server:
        ensure(server, NAME, documents(data, count=count))
        yield server
