"""`/embed`, `/info` and `/rerank`."""

from functools import partial
from typing import Any

import numpy as np
from fastapi import Request

from molt import __version__
from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.failures import NotAvailableError
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.routes.embedding import EmbeddingQuery, embed, embed_in_thread
from molt.app.routes.tei.schemas import EmbedBody, Info
from molt.app.service import Service, service_of
from molt.encoder.encoder import InputType
from molt.index.catalog.aliases import DEFAULT

router = new_router("tei")


@router.post(
    "/embed",
    operation_id="embed",
    response_model=list[list[float]],
    responses={400: {"description": "tokens in place of text, or too many dimensions"}},
)
@allow(Access.READ)
@scoped(KeyScope.FREE)
@within(Bulkhead.BULK)
async def post_embed(request: Request, body: EmbedBody) -> Json:
    """Encode texts, as text-embeddings-inference does."""
    service = service_of(request)
    work = partial(_embed, service, body)
    return Json(await embed_in_thread(request, work, texts=body.inputs, model=DEFAULT))


@router.get("/info", operation_id="info", response_model=Info)
@allow(Access.READ)
@scoped(KeyScope.FREE)
@within(Bulkhead.BULK)
async def get_info(request: Request) -> Json:
    """The model that `/embed` uses, and the limits."""
    service = service_of(request)
    return Json(await admission_of(request).run(_info, service))


@router.post("/rerank", include_in_schema=False)
@allow(Access.READ)
@scoped(KeyScope.FREE)
async def post_tei_rerank() -> Json:
    """Promised, not served yet."""
    raise NotAvailableError("re-ranking")


def _embed(service: Service, body: EmbedBody) -> bytes:
    query = EmbeddingQuery(
        texts=body.inputs,
        model=DEFAULT,
        input_type=InputType(body.prompt_name or "document"),
        dimensions=body.dimensions,
        route="/embed",
        field="inputs",
    )
    return encode(list(np.ascontiguousarray(embed(service, query).vectors)))


def _info(service: Service) -> dict[str, Any]:
    with service.engine.models.encoder(DEFAULT) as encoder:
        checkpoint = encoder.checkpoint
    limits = service.settings.limits
    return {
        "model_id": checkpoint.base_model,
        "model_sha": checkpoint.id,
        "model_dtype": "float32",
        "model_type": {"embedding": {"pooling": str(checkpoint.pooling)}},
        "max_concurrent_requests": limits.max_pending,
        "max_input_length": checkpoint.max_length,
        "max_client_batch_size": limits.max_inputs,
        "auto_truncate": True,
        "version": __version__,
    }
