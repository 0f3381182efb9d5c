"""`POST /collections/{collection}/judgments`."""

from dataclasses import replace
from typing import Any

from fastapi import Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath
from molt.app.http.validation import require
from molt.app.routes.judgments.schemas import JudgmentBody, JudgmentsBody, Kept, PairBody
from molt.app.service import Service, service_of
from molt.engine.sections import LimitSettings
from molt.index.catalog.judgments import Judgment, Pair, Query

router = new_router("judgments")


@router.post(
    "/collections/{collection}/judgments",
    operation_id="put_judgments",
    response_model=Kept,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def post_judgments(request: Request, collection: CollectionPath, body: JudgmentsBody) -> Json:
    """Add what is known about relevance; a judgment of the same query and document is replaced."""
    service = service_of(request)
    return Json(await admission_of(request).run(_keep, service, collection, body))


def _check(body: JudgmentsBody, limits: LimitSettings) -> None:
    for name in ("queries", "judgments", "pairs"):
        require(len(getattr(body, name)), limits, "max_documents", place=(name,))
    for number, query in enumerate(body.queries):
        place = ("queries", number, "text")
        require(len(query.text), limits, "max_query_chars", place=place, element=query.id)
    for number, pair in enumerate(body.pairs):
        require(len(pair.query), limits, "max_query_chars", place=("pairs", number, "query"))
        for name, text in (("positive", pair.positive), ("negative", pair.negative)):
            require(len(text or ""), limits, "max_text_chars", place=("pairs", number, name))


def _keep(service: Service, name: str, body: JudgmentsBody) -> dict[str, Any]:
    _check(body, service.settings.limits)
    engine = service.engine
    collection = engine.catalog.collections.get(name)
    accepted = engine.catalog.judgments.put(
        collection,
        queries=[Query(one.id, one.text, one.metadata) for one in body.queries],
        judgments=[_judgment(one, body) for one in body.judgments],
        pairs=[_pair(one, body) for one in body.pairs],
    )
    counts = engine.catalog.judgments.counts(collection)
    return {
        "accepted": accepted,
        "queries": counts.queries,
        "judgments": counts.judgments,
        "pairs": counts.pairs,
    }


def _judgment(sent: JudgmentBody, body: JudgmentsBody) -> Judgment:
    return Judgment(sent.query_id, sent.doc_id, sent.grade, sent.split or body.split)


def _pair(sent: PairBody, body: JudgmentsBody) -> Pair:
    pair = Pair(**dict(sent))
    return replace(pair, split=pair.split or body.split)
