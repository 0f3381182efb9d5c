"""Embedding on request: what `/v1/embeddings` and `/embed` share. Runs in a request thread."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request

from molt.app.http.admission import Bulkhead
from molt.app.http.failures import TextTooLongError
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of
from molt.app.http.validation import require
from molt.app.service import Service, service_of
from molt.encoder.encoder import InputType
from molt.engine.models.embedding import EmbeddingResult

_T = TypeVar("_T")


@dataclass(frozen=True)
class EmbeddingQuery:
    """Texts to encode by a model; `route` and `field` are where they came from.

    With `whole`, a text that the model would not read to its end is refused. As many of the texts
    as `beside` says, the first of them, stand in the field `apart`, and do not count among
    `limits.max_inputs`.
    """

    texts: Sequence[str]
    model: str
    input_type: InputType
    dimensions: int | None
    route: str
    field: str
    whole: bool = False
    beside: int = 0
    apart: str = ""

    def place_of(self, at: int) -> tuple[str | int, ...]:
        """Where in the body the text is that is the one with the number `at` here."""
        if at < self.beside:
            return tuple(self.apart.split("."))
        return (*self.field.split("."), at - self.beside)


async def embed_in_thread(
    request: Request, work: Callable[[], _T], *, texts: Sequence[str], model: str
) -> _T:
    """Run `work`, which encodes `texts`, where it keeps no shorter request waiting.

    One query, by an encoder that is open, waits for no bulk. Everything else is given up when its
    client goes away.
    """
    service = service_of(request)
    short = len(texts) == 1 and len(texts[0]) <= service.settings.limits.max_query_chars
    if short and service.engine.models.is_open(model):
        return await service.bulkheads[Bulkhead.QUERIES].run(work)
    return await run_while_wanted(request, work, admission=admission_of(request))


def embed(service: Service, query: EmbeddingQuery) -> EmbeddingResult:
    """Encode within the limits, and count it.

    Raises what `Models.embed` raises, and `TextTooLongError`.
    """
    limits = service.settings.limits
    require(
        len(query.texts) - query.beside,
        limits,
        "max_inputs",
        place=query.place_of(query.beside)[:-1],
    )
    size, at = max((len(text), -at) for at, text in enumerate(query.texts))
    place = query.place_of(-at) if len(query.texts) > 1 else (query.field,)
    require(size, limits, "max_text_chars", place=place)
    started = time.perf_counter()
    embedding = service.engine.models.embed(
        query.texts,
        model=query.model,
        input_type=query.input_type,
        dimensions=query.dimensions,
    )
    if query.whole:
        _require_whole(embedding, query)
    service.metrics.encoded(
        route=query.route,
        seconds=time.perf_counter() - started,
        texts=len(query.texts),
        tokens=int(embedding.n_tokens.sum()),
    )
    return embedding


def _require_whole(embedding: EmbeddingResult, query: EmbeddingQuery) -> None:
    cut = embedding.truncated.nonzero()[0]
    if len(cut):
        raise TextTooLongError(query.place_of(int(cut[0])), max_length=embedding.max_length)
