"""Serving: how fast checkpoints are here, from text to vector, and how large."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from molt.encoder import Checkpoint, Encoder, InputType, Lane, open_encoder

_TEXTS = 128
_ROUNDS = 3


@dataclass(frozen=True)
class Served:
    """A checkpoint in the variant that serves here: texts a second on all cores, and graph bytes.

    Reading the text is part of the time, as it is of a static embedding's most.
    """

    variant: str
    texts_per_second: float
    graph_bytes: int


def measure_serving(
    checkpoints: Sequence[Checkpoint], texts: Sequence[str], *, cache: Path
) -> list[Served]:
    """Encode some of the documents `texts` in the background, in turns; the best round counts."""
    sample = texts[:_TEXTS]
    with ExitStack() as stack:
        encoders = [
            stack.enter_context(closing(open_encoder(each, cache=cache))) for each in checkpoints
        ]
        best = [float("inf")] * len(encoders)
        for _ in range(1 + _ROUNDS):
            best = [
                min(known, _seconds(encoder, sample))
                for known, encoder in zip(best, encoders, strict=True)
            ]
    return [
        Served(encoder.variant.name, round(len(sample) / seconds, 1), encoder.variant.size)
        for encoder, seconds in zip(encoders, best, strict=True)
    ]


def _seconds(encoder: Encoder, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    encoder.encode(texts, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND)
    return time.perf_counter() - started
