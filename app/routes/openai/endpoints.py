"""`/v1/embeddings` and `/v1/models`.

Clients whose base has no `/v1` find the same without it, and Azure's under their deployment.
"""

from base64 import b64encode
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import Path, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.embedding import EmbeddingQuery, embed, embed_in_thread
from molt.app.routes.openai.schemas import (
    DeploymentBody,
    EmbeddingList,
    EmbeddingsBody,
    ModelList,
    ModelObject,
)
from molt.app.service import Service, service_of
from molt.engine.models.embedding import EmbeddingResult
from molt.engine.models.models import ModelCard
from molt.index.catalog.access.reach import Reach

router = new_router("openai")


@router.post("/embeddings", include_in_schema=False)
@router.post(
    "/v1/embeddings",
    operation_id="create_embeddings",
    response_model=EmbeddingList,
    responses={
        400: {"description": "tokens in place of text, or more dimensions than the model has"},
        404: {"description": "no such model"},
        413: {"description": "a body, or a text that was not to be cut, is too long"},
    },
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_embeddings(request: Request, body: EmbeddingsBody) -> Json:
    """Encode texts, as OpenAI's API does."""
    return await _answered(request, body, model=body.model)


@router.post(
    "/openai/deployments/{deployment}/embeddings",
    operation_id="create_embeddings_of_deployment",
    response_model=EmbeddingList,
    responses={
        400: {"description": "tokens in place of text, or more dimensions than the model has"},
        404: {"description": "no such model"},
    },
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_deployment_embeddings(
    request: Request, deployment: Annotated[Name, Path()], body: DeploymentBody
) -> Json:
    """Encode texts, as Azure's clients ask for it: the path names the model."""
    return await _answered(request, body, model=deployment)


@router.get("/models", include_in_schema=False)
@router.get("/v1/models", operation_id="list_models", response_model=ModelList)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_models(request: Request) -> Json:
    """List names that `model` may have: checkpoints, collections, `default` and aliases."""
    service = service_of(request)
    cards = await admission_of(request).run(service.engine.models.cards, caller_of(request).reach)
    return Json({"object": "list", "data": [_model(card) for card in cards]})


@router.get("/models/{model:path}", include_in_schema=False)
@router.get(
    "/v1/models/{model:path}",
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
    return Json(_model(await admission_of(request).run(service.engine.models.card, model, reach)))


async def _answered(request: Request, body: DeploymentBody, *, model: str) -> Json:
    work = partial(_embed, service_of(request), body, model, caller_of(request).reach)
    return Json(await embed_in_thread(request, work, texts=body.input, model=model))


def _embed(service: Service, body: DeploymentBody, model: str, reach: Reach) -> bytes:
    query = EmbeddingQuery(
        texts=body.input,
        model=service.engine.models.within(model, reach),
        input_type=body.purpose,
        dimensions=body.dimensions or body.output_dimension,
        route="/v1/embeddings",
        field="input",
        whole=body.whole,
    )
    embedding = embed(service, query)
    tokens = int(embedding.n_tokens.sum())
    return encode(
        {
            "object": "list",
            "data": _vectors(embedding, body.encoding),
            "model": embedding.checkpoint,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "truncated": bool(embedding.truncated.any()),
        }
    )


def _vectors(embedding: EmbeddingResult, encoding_format: str) -> list[dict[str, Any]]:
    rows = np.ascontiguousarray(embedding.vectors, dtype="<f4")
    written = (b64encode(row).decode() for row in rows) if encoding_format == "base64" else rows
    return [
        {"object": "embedding", "index": index, "embedding": vector}
        | ({"truncated": True} if embedding.truncated[index] else {})
        for index, vector in enumerate(written)
    ]


def _model(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "object": "model",
        "created": card.created,
        "owned_by": "molt",
        "root": card.root,
        "kind": card.kind,
        "dimension": card.dimension,
        "max_length": card.max_length,
    }
