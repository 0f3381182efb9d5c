"""Embedding on request: what `/v1/embeddings` and `/embed` share. Runs in a request thread."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from molt.app.http.validation import require
from molt.app.service import Service
from molt.encoder.encoder import InputType
from molt.engine.models import Embedding


@dataclass(frozen=True)
class EmbeddingQuery:
    """Texts to encode by a model; `route` and `field` are where they came from."""

    texts: Sequence[str]
    model: str
    input_type: InputType
    dimensions: int | None
    route: str
    field: str


def embed(service: Service, query: EmbeddingQuery) -> Embedding:
    """Encode within the limits, and count it. Raises what `Models.embed` raises."""
    limits = service.settings.limits
    require(len(query.texts), limits, "max_inputs", place=(query.field,))
    require(max(map(len, query.texts)), limits, "max_text_chars", place=(query.field,))
    started = time.perf_counter()
    embedding = service.engine.models.embed(
        query.texts,
        model=query.model,
        input_type=query.input_type,
        dimensions=query.dimensions,
    )
    service.metrics.encoded(
        route=query.route,
        seconds=time.perf_counter() - started,
        texts=len(query.texts),
        tokens=int(embedding.n_tokens.sum()),
    )
    return embedding
