"""`/v1/embeddings`, `/v1/models` and `/v1/rerank`."""

from base64 import b64encode
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import Path, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import NotAvailableError
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.embedding import EmbeddingQuery, embed, embed_in_thread
from molt.app.routes.openai.schemas import EmbeddingList, EmbeddingsBody, ModelList, ModelObject
from molt.app.service import Service, service_of
from molt.encoder.encoder import InputType
from molt.engine.errors import UnknownModelError
from molt.engine.models import EmbeddingResult, ModelCard
from molt.index.catalog.access.reach import Reach

router = new_router("openai")


@router.post(
    "/v1/embeddings",
    operation_id="create_embeddings",
    response_model=EmbeddingList,
    responses={
        400: {"description": "tokens in place of text, or more dimensions than the model has"},
        404: {"description": "no such model"},
    },
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_embeddings(request: Request, body: EmbeddingsBody) -> Json:
    """Encode texts, as OpenAI's API does."""
    service = service_of(request)
    work = partial(_embed, service, body, caller_of(request).reach)
    return Json(await embed_in_thread(request, work, texts=body.input, model=body.model))


@router.get("/v1/models", operation_id="list_models", response_model=ModelList)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_models(request: Request) -> Json:
    """List every name that `model` may have: checkpoints, collections, `default`."""
    service = service_of(request)
    cards = await admission_of(request).run(service.engine.models.cards, caller_of(request).reach)
    return Json({"object": "list", "data": [_model(card) for card in cards]})


@router.get(
    "/v1/models/{model}",
    operation_id="get_model",
    response_model=ModelObject,
    responses={404: {"description": "no such model"}},
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_model(request: Request, model: Annotated[Name, Path()]) -> Json:
    """One model by its name."""
    service = service_of(request)
    reach = caller_of(request).reach
    for card in await admission_of(request).run(service.engine.models.cards, reach):
        if card.id == model:
            return Json(_model(card))
    raise UnknownModelError(f"no model {model[:80]!r}; GET /v1/models lists the names")


@router.post("/v1/rerank", include_in_schema=False)
@allow(Access.READ)
@scoped(KeyScope.FREE)
async def post_rerank() -> Json:
    """Promised, not served yet."""
    raise NotAvailableError("re-ranking")


def _embed(service: Service, body: EmbeddingsBody, reach: Reach) -> bytes:
    service.engine.models.check_reach(body.model, reach)
    query = EmbeddingQuery(
        texts=body.input,
        model=body.model,
        input_type=InputType(body.input_type),
        dimensions=body.dimensions,
        route="/v1/embeddings",
        field="input",
    )
    embedding = embed(service, query)
    tokens = int(embedding.n_tokens.sum())
    return encode(
        {
            "object": "list",
            "data": _vectors(embedding, body.encoding_format),
            "model": embedding.checkpoint,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _vectors(embedding: EmbeddingResult, encoding_format: str) -> list[dict[str, Any]]:
    rows = np.ascontiguousarray(embedding.vectors, dtype="<f4")
    written = (b64encode(row).decode() for row in rows) if encoding_format == "base64" else rows
    return [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(written)
    ]


def _model(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "object": "model",
        "created": card.created,
        "owned_by": "molt",
        "root": card.root,
        "dimension": card.dimension,
        "max_length": card.max_length,
    }
