"""Speed: how many texts a second each variant does on one core of this host."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.kind import ModelKind
from molt.encoder.runtimes.runtime import Runtime, load_runtime
from molt.encoder.tokenizer import Tokenizer

_LENGTHS = (16, 64, 128, 192, 256)


def measure_speeds(
    checkpoint: Checkpoint, variants: Iterable[Variant], *, cache: Path, rounds: int
) -> dict[str, float]:
    """Texts a second of each variant, by name: the best of `rounds` taken in turns.

    Taking turns and the best makes it bear other load on the host. The texts are arbitrary ids, of
    lengths as real ones have. Raises what `load_runtime` raises.
    """
    max_length = checkpoint.max_length
    tokenizer = Tokenizer(checkpoint.path / "tokenizer.json", max_length=max_length)
    runtimes = {
        variant.name: load_runtime(checkpoint, variant, threads=1, cache=cache)
        for variant in variants
    }
    texts = list(_texts(tokenizer.vocabulary, max_length))
    best = dict.fromkeys(runtimes, float("inf"))
    for runtime in runtimes.values():
        _seconds(runtime, texts, checkpoint.kind)
    for _ in range(rounds):
        for name, runtime in runtimes.items():
            best[name] = min(best[name], _seconds(runtime, texts, checkpoint.kind))
    return {name: len(texts) / seconds for name, seconds in best.items()}


def _texts(vocabulary: int, max_length: int) -> Iterator[NDArray[np.int64]]:
    random = np.random.default_rng(0)
    for length in _LENGTHS:
        yield random.integers(0, vocabulary, size=(1, min(length, max_length)), dtype=np.int64)


def _seconds(runtime: Runtime, texts: list[NDArray[np.int64]], kind: ModelKind) -> float:
    start = time.perf_counter()
    for input_ids in texts:
        if kind is ModelKind.CROSS_ENCODER:
            runtime.run_pairs(input_ids, np.ones_like(input_ids), np.zeros_like(input_ids))
        else:
            runtime.run(input_ids, np.ones_like(input_ids))
    return time.perf_counter() - start
