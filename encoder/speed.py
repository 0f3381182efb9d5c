"""Speed: how many texts a second each runtime does on one core of this host."""

import time
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from molt.encoder.runtimes.runtime import Runtime

_LENGTHS = (16, 64, 128, 192, 256)


def measure_speeds(
    runtimes: Mapping[str, Runtime], *, vocabulary: int, max_length: int, rounds: int
) -> dict[str, float]:
    """Texts a second of each runtime, by name: the best of `rounds` taken in turns.

    Taking turns and the best makes it bear other load on the host. The texts are arbitrary ids
    below `vocabulary`, of lengths as real ones have.
    """
    texts = list(_texts(vocabulary, max_length))
    best = dict.fromkeys(runtimes, float("inf"))
    for runtime in runtimes.values():
        _seconds(runtime, texts)
    for _ in range(rounds):
        for name, runtime in runtimes.items():
            best[name] = min(best[name], _seconds(runtime, texts))
    return {name: len(texts) / seconds for name, seconds in best.items()}


def _texts(vocabulary: int, max_length: int) -> Iterator[NDArray[np.int64]]:
    random = np.random.default_rng(0)
    for length in _LENGTHS:
        yield random.integers(0, vocabulary, size=(1, min(length, max_length)), dtype=np.int64)


def _seconds(runtime: Runtime, texts: list[NDArray[np.int64]]) -> float:
    start = time.perf_counter()
    for input_ids in texts:
        runtime.run(input_ids, np.ones_like(input_ids))
    return time.perf_counter() - start
