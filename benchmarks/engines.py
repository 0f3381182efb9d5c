"""Engines that encode documents, each in a process of its own, taking turns.

Separate processes keep one engine's thread pools out of another's time. Owns no corpus and
no statistics.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Turn:
    """One engine's answer to one round: `vectors` `(n, dim) float32`, and wall-clock seconds."""

    vectors: Vectors
    seconds: float


class Engine:
    """An engine in another process; `encode` blocks until it has answered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def encode(self, texts: Sequence[str]) -> Turn:
        """Have `texts` encoded; tokenisation and pooling are inside the time, transport is not."""
        self._connection.send(list(texts))
        return Turn(*self._connection.recv())


def sentence_transformers(model: Path, threads: int) -> Encode:
    """The yardstick: fp32 in torch, batches of 32, as most programs call it."""
    import torch  # noqa: PLC0415  only this engine's process pays for torch
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    torch.set_num_threads(threads)
    loaded = SentenceTransformer(str(model), device="cpu")

    def encode(texts: Sequence[str]) -> Vectors:
        vectors = loaded.encode(
            list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    return encode


def molt(checkpoint: Path, threads: int, *, runtime: str) -> Encode:
    """Molt's encoder in the lane that indexing uses."""
    from molt.encoder import InputType, Lane, open_encoder  # noqa: PLC0415
    from molt.encoder.checkpoint import open_checkpoint  # noqa: PLC0415

    encoder = open_encoder(
        open_checkpoint(checkpoint), runtime=runtime, threads=threads, cache=checkpoint.parent
    )

    def encode(texts: Sequence[str]) -> Vectors:
        vectors: Vectors = encoder.encode(
            texts, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND
        ).vectors
        return vectors

    return encode


@contextmanager
def engine(make: Callable[[], Encode]) -> Iterator[Engine]:
    """Start a process that makes its engine by `make` (picklable) and answers until the end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(make, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Engine(ours)
    finally:
        process.terminate()
        process.join()


def _serve(make: Callable[[], Encode], connection: Connection) -> None:
    encode = make()
    while True:
        texts = connection.recv()
        started = time.perf_counter()
        vectors = encode(texts)
        connection.send((vectors, time.perf_counter() - started))
