"""`/collections/{collection}/synonyms`."""

from functools import partial
from typing import Any

from fastapi import Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json
from molt.app.http.auditing import administers
from molt.app.http.auth import Access, allow
from molt.app.http.bodies import media_type, parse_json, require_json
from molt.app.http.route import admission_of, content_of, new_router, where_it_fits, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath
from molt.app.http.validation import validate
from molt.app.routes.collections.schemas import NewSynonyms, SynonymList
from molt.app.routes.conditions import matching_of, tagged
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.catalog.judging.synonyms import KeptRules
from molt.index.errors import InvalidFieldError
from molt.index.lexical.synonyms import (
    SynonymRule,
    parse_synonym_lines,
    parse_synonyms,
    read_synonyms,
    write_synonyms,
)

router = new_router("synonyms")

_PATH = "/collections/{collection}/synonyms"
_LINES = "text/plain"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/NewSynonyms"}},
            _LINES: {"schema": {"type": "string"}},
        },
    }
}


@router.get(
    _PATH,
    operation_id="get_synonyms",
    response_model=SynonymList,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def get_synonyms(request: Request, collection: CollectionPath) -> Json:
    """The words that searches of a collection take for others, too."""
    engine = service_of(request).engine
    kept = await admission_of(request).run(engine.catalog.synonyms.named, collection)
    return _answer(kept)


@router.put(
    _PATH,
    operation_id="set_synonyms",
    response_model=SynonymList,
    responses={
        404: {"description": "no such collection"},
        412: {"description": "`If-Match` does not hold"},
    },
    openapi_extra=_BODY,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
@administers
async def put_synonyms(request: Request, collection: CollectionPath) -> Json:
    """Take words for others from now on; replaces all synonyms that the collection had."""
    engine, match = service_of(request).engine, matching_of(request)
    if media_type(request) != _LINES:
        require_json(request)
    content = await content_of(request)
    read = _rules_of_lines if media_type(request) == _LINES else _rules_of_json
    rules = await where_it_fits(request, content, partial(read, content))
    return _answer(await admission_of(request).run(_put, engine, collection, rules, match))


def _rules_of_json(content: bytes) -> tuple[SynonymRule, ...]:
    return parse_synonyms(validate(NewSynonyms, parse_json(content)).synonyms)


def _rules_of_lines(content: bytes) -> tuple[SynonymRule, ...]:
    try:
        return parse_synonym_lines(content.decode())
    except UnicodeDecodeError as error:
        reason = f"is no UTF-8 at byte {error.start}; save the file as UTF-8"
        raise InvalidFieldError("the text", reason) from None


def _put(
    engine: Engine, name: str, rules: tuple[SynonymRule, ...], match: frozenset[int] | None
) -> KeptRules:
    kept = engine.catalog.synonyms.put(name, write_synonyms(rules), match=match)
    engine.live_collections.read_search_defaults()
    return kept


def _answer(kept: KeptRules) -> Json:
    rules: list[dict[str, Any]] = [rule.describe() for rule in read_synonyms(kept.rules)]
    return Json({"version": kept.version, "synonyms": rules}, headers=tagged(kept.version))
