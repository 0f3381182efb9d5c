"""`POST /search/batch`: many searches in one request, of one collection or of several.

Their texts are encoded together. Each has its own answer, or its own problem as the search alone
would have had it, and none waits for what another is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import orjson
import structlog
from fastapi import Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import Caller, caller_of
from molt.app.http.envelopes import problem_of
from molt.app.http.failures import HttpFailure, InvalidRequestError, Violation
from molt.app.http.interest import run_while_wanted
from molt.app.http.observation import request_id_of
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, covered, resolve_body, scoped
from molt.app.http.validation import require, validate
from molt.app.routes.search.endpoints import answer_search
from molt.app.routes.search.schemas import BatchBody, BatchResult, SearchBody
from molt.app.service import Service, service_of
from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import current
from molt.engine.search.preparing import AskedText

log = structlog.get_logger(__name__)

router = new_router("search")

_T = TypeVar("_T")

_ROUTE = "/search/batch"


@router.post(_ROUTE, operation_id="search_batch", response_model=BatchResult)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_search_batch(request: Request, body: BatchBody) -> Json:
    """Answer many searches at once; a wrong one has its problem, and the others their answers."""
    service = service_of(request)
    require(len(body.searches), service.settings.limits, "max_searches", place=("searches",))
    batch = _Batch(service, caller_of(request), request_id_of(request.scope))
    work = partial(batch.answered, body.searches)
    return Json(await run_while_wanted(request, work, admission=admission_of(request)))


@dataclass(frozen=True)
class _Problem:
    """Why one of the searches has no answer, as its client is told."""

    body: dict[str, Any]


class _Batch:
    """The searches of one request, which runs in a request thread."""

    def __init__(self, service: Service, caller: Caller, request_id: str) -> None:
        self._service = service
        self._caller = caller
        self._request_id = request_id
        self._left = service.settings.limits.max_answer_bytes

    def answered(self, searches: Sequence[Mapping[str, Any]]) -> bytes:
        read = [self._tried(at, partial(self._read, one)) for at, one in enumerate(searches)]
        asked = [one for one in read if isinstance(one, SearchBody)]
        most = self._service.settings.limits.max_query_chars
        self._service.engine.searcher.prepare(
            AskedText(one.query, one.collection)
            for one in asked
            if one.query is not None and one.mode != "lexical" and len(one.query) <= most
        )
        return encode({"results": [self._entry(at, one) for at, one in enumerate(read)]})

    def _read(self, search: Mapping[str, Any]) -> SearchBody:
        body = validate(SearchBody, search)
        resolve_body(body, self._service.engine.models.collection_of)
        covered(self._caller, body.collection)
        return body

    def _entry(self, at: int, read: SearchBody | _Problem) -> dict[str, Any]:
        current().check()
        found = read if isinstance(read, _Problem) else self._tried(at, partial(self._answer, read))
        if isinstance(found, _Problem):
            return {"answer": None, "problem": found.body}
        return {"answer": orjson.Fragment(found), "problem": None}

    def _answer(self, body: SearchBody) -> bytes:
        if self._left <= 0:
            detail = (
                "was left out: the answers before it have the bytes that the setting "
                "limits.max_answer_bytes allows; ask for it again, or for fewer hits"
            )
            raise InvalidRequestError([Violation(detail, "body")])
        answer = answer_search(self._service, body, route=_ROUTE, reach=self._caller.reach)
        self._left -= len(answer)
        return answer

    def _tried(self, at: int, work: Callable[[], _T]) -> _T | _Problem:
        """What `work` makes, or the problem of the search with the number `at`."""
        try:
            return work()
        except AbandonedError:
            raise
        except Exception as error:  # noqa: BLE001  `explain` raises what is nobody's fault but ours
            failure = _within(at, self._service.explain(error))
        if failure.status >= 500:
            log.error(
                "search.refused",
                request_id=self._request_id,
                code=failure.code,
                reason=failure.detail,
            )
        return _Problem(problem_of(failure, self._request_id))


def _within(at: int, failure: HttpFailure) -> HttpFailure:
    """The failure of one search as one of the body that holds them all."""
    violations = (replace(one, place=("searches", at, *one.place)) for one in failure.violations)
    return replace(failure, violations=tuple(violations))
