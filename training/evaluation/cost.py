"""Cost: what a checkpoint takes to serve, beside how well it ranks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molt.encoder import Encoder, InputType, Lane
from molt.encoder.host import fingerprint
from molt.training.evaluation.measures import Values

_QUERIES = 200
_WARM_UP = 5


@dataclass(frozen=True)
class Cost:
    """Milliseconds to encode one query, bytes on disk, and texts a second on one core.

    `texts_per_second` is what the checkpoint's manifest says, None where another host measured it.
    """

    latency_p50_ms: float
    latency_p95_ms: float
    texts_per_second: float | None
    graph_bytes: int
    checkpoint_bytes: int


def costs(encoders: Sequence[Encoder], queries: Sequence[str]) -> list[Cost]:
    """The cost of each encoder; they take turns query by query, so other load hits all alike."""
    sample = queries[:: max(1, len(queries) // _QUERIES)][:_QUERIES]
    for encoder in encoders:
        for query in sample[:_WARM_UP]:
            _milliseconds(encoder, query)
    taken = np.array([[_milliseconds(encoder, query) for encoder in encoders] for query in sample])
    return [_cost(encoder, taken[:, at]) for at, encoder in enumerate(encoders)]


def _milliseconds(encoder: Encoder, query: str) -> float:
    started = time.perf_counter()
    encoder.encode([query], input_type=InputType.QUERY, lane=Lane.INTERACTIVE)
    return 1000 * (time.perf_counter() - started)


def _cost(encoder: Encoder, taken: Values) -> Cost:
    p50, p95 = np.percentile(taken, [50, 95])
    variant = encoder.variant
    return Cost(
        latency_p50_ms=float(p50),
        latency_p95_ms=float(p95),
        texts_per_second=variant.texts_per_second if variant.host == fingerprint() else None,
        graph_bytes=variant.size,
        checkpoint_bytes=encoder.checkpoint.size,
    )
