"""`/embed`, which `/` is as well, `/similarity` and `/info`."""

from functools import partial
from typing import Any

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from molt import __version__
from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.routes.embedding import EmbeddingQuery, embed, embed_in_thread
from molt.app.routes.tei.schemas import EmbedBody, Info, Reading, SimilarityBody
from molt.app.service import Service, service_of
from molt.encoder.encoder import InputType
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.aliases import DEFAULT

router = new_router("tei")

TRUNCATED = "X-Truncated"
"""The header that names the places of texts whose end was not read, where an answer has no room."""
_MOST_NAMED = 100


@router.post("/", include_in_schema=False)
@router.post(
    "/embed",
    operation_id="embed",
    response_model=list[list[float]],
    responses={400: {"description": "tokens in place of text, or too many dimensions"}},
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_embed(request: Request, body: EmbedBody) -> Json:
    """Encode texts, as text-embeddings-inference does."""
    work = partial(_embed, service_of(request), body, caller_of(request).reach)
    return await embed_in_thread(request, work, texts=body.inputs, model=DEFAULT)


@router.post(
    "/similarity",
    operation_id="similarity",
    response_model=list[float],
    responses={400: {"description": "tokens in place of text"}},
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_similarity(request: Request, body: SimilarityBody) -> Json:
    """Compare a text with others: the cosine of each, in their order."""
    texts = [body.inputs.source_sentence, *body.inputs.sentences]
    reading, reach = body.parameters or Reading(), caller_of(request).reach
    work = partial(_compare, service_of(request), texts, reading, reach)
    return await embed_in_thread(request, work, texts=texts, model=DEFAULT)


@router.get("/info", operation_id="info", response_model=Info)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_info(request: Request) -> Json:
    """The model that `/embed` uses, and the limits."""
    service = service_of(request)
    return Json(await admission_of(request).run(_info, service, caller_of(request).reach))


def _embed(service: Service, body: EmbedBody, reach: Reach) -> Json:
    query = EmbeddingQuery(
        texts=body.inputs,
        model=service.engine.models.within(DEFAULT, reach),
        input_type=body.prompt_name or InputType.DOCUMENT,
        dimensions=body.dimensions,
        route="/embed",
        field="inputs",
        whole=body.whole,
    )
    embedding = embed(service, query)
    vectors = list(np.ascontiguousarray(embedding.vectors))
    return Json(encode(vectors), headers=truncation_headers(embedding.truncated))


def _compare(service: Service, texts: list[str], reading: Reading, reach: Reach) -> Json:
    query = EmbeddingQuery(
        texts=texts,
        model=service.engine.models.within(DEFAULT, reach),
        input_type=reading.prompt_name or InputType.DOCUMENT,
        dimensions=None,
        route="/similarity",
        field="inputs.sentences",
        whole=reading.whole,
        beside=1,  # the text that the sentences are compared with
        apart="inputs.source_sentence",
    )
    embedding = embed(service, query)
    source, sentences = embedding.vectors[0], embedding.vectors[1:]
    return Json(
        encode((sentences @ source).tolist()), headers=truncation_headers(embedding.truncated)
    )


def truncation_headers(truncated: NDArray[np.bool_]) -> dict[str, str]:
    """What tells of which texts `(n,) bool` the end was not read; nothing where all were."""
    places = truncated.nonzero()[0][:_MOST_NAMED]
    return {TRUNCATED: ",".join(map(str, places))} if len(places) else {}


def _info(service: Service, reach: Reach) -> dict[str, Any]:
    with service.engine.models.encoder(service.engine.models.within(DEFAULT, reach)) as encoder:
        checkpoint = encoder.checkpoint
    limits = service.settings.limits
    return {
        "model_id": checkpoint.base_model,
        "model_sha": checkpoint.id,
        "model_dtype": "float32",
        "model_type": {"embedding": {"pooling": str(checkpoint.pooling)}},
        "served_model_name": DEFAULT,
        "max_concurrent_requests": limits.max_pending,
        "max_input_length": checkpoint.max_length,
        "max_batch_tokens": limits.max_inputs * checkpoint.max_length,
        "max_batch_requests": None,
        "max_client_batch_size": limits.max_inputs,
        "auto_truncate": True,
        "tokenization_workers": service.settings.encoder_threads,
        "version": __version__,
        "sha": None,
        "docker_label": None,
    }
