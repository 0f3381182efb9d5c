"""Errors: the only place that maps what the parts refuse to HTTP."""

import errno
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from molt.app.http import failures
from molt.app.http.admission import OverloadedError
from molt.app.http.auth import challenge_of
from molt.app.http.connections.refusals import Headers, written, written_last
from molt.app.http.envelopes import write_failure
from molt.app.http.failures import (
    HttpFailure,
    InvalidRequestError,
    PartlyDeletedError,
    RequestError,
    Violation,
)
from molt.app.http.headers import header_of
from molt.app.http.observation import request_id_of
from molt.app.http.route import methods_of
from molt.app.http.validation import violations_of
from molt.app.pages.frame.failures import is_for_people, show_failure, show_refusal
from molt.app.service import service_of
from molt.artifact import AmbiguousIdError, ArtifactError
from molt.encoder import errors as encoder_errors
from molt.engine import errors as engine_errors
from molt.index import errors as index_errors

log = structlog.get_logger(__name__)

RETRY_SECONDS = "5"

_KINDS: Mapping[type[BaseException], tuple[int, str]] = {
    index_errors.CollectionNotFoundError: (404, "collection_not_found"),
    index_errors.CollectionExistsError: (409, "collection_exists"),
    index_errors.KeyNotFoundError: (404, "key_not_found"),
    index_errors.KeyExistsError: (409, "key_exists"),
    index_errors.AliasNotFoundError: (404, "alias_not_found"),
    index_errors.CurationNotFoundError: (404, "curation_not_found"),
    index_errors.NameTakenError: (409, "name_taken"),
    index_errors.InvalidNameError: (422, "invalid_name"),
    index_errors.DocumentNotFoundError: (404, "document_not_found"),
    index_errors.PreconditionFailedError: (412, "precondition_failed"),
    index_errors.DuplicateDocumentError: (422, "duplicate_document"),
    index_errors.InvalidDocumentError: (422, "invalid_document"),
    index_errors.InvalidFieldError: (422, "invalid_field"),
    index_errors.InvalidJudgmentError: (422, "invalid_judgment"),
    index_errors.InvalidEventError: (422, "invalid_event"),
    index_errors.UnknownFieldError: (422, "unknown_field"),
    index_errors.FilterError: (422, "invalid_filter"),
    index_errors.FacetError: (422, "invalid_facet"),
    index_errors.SortError: (422, "invalid_sort"),
    index_errors.GroupError: (422, "invalid_group"),
    index_errors.CatalogFullError: (507, "disk_full"),
    index_errors.CatalogBusyError: (503, "catalog_busy"),
    index_errors.GenerationNotFoundError: (404, "generation_not_found"),
    index_errors.GenerationBusyError: (409, "generation_busy"),
    index_errors.NothingToRollBackError: (409, "nothing_to_roll_back"),
    index_errors.ReleaseNotFoundError: (404, "release_not_found"),
    index_errors.ExperimentNotFoundError: (404, "experiment_not_found"),
    index_errors.ExperimentRunningError: (409, "experiment_running"),
    index_errors.StalePointerError: (409, "pointer_moved"),
    index_errors.JobNotFoundError: (404, "job_not_found"),
    index_errors.JobConflictError: (409, "job_running"),
    index_errors.JobKeyReusedError: (422, "idempotency_key_reused"),
    index_errors.IndexingError: (503, "unavailable"),
    engine_errors.UnknownModelError: (404, "model_not_found"),
    engine_errors.AliasError: (422, "invalid_alias"),
    engine_errors.InvalidDimensionsError: (400, "invalid_dimensions"),
    engine_errors.NoCrossEncoderError: (422, "no_cross_encoder"),
    engine_errors.NoCheckpointError: (503, "no_checkpoint"),
    engine_errors.UnavailableError: (503, "unavailable"),
    engine_errors.DocumentNotIndexedError: (409, "document_not_indexed"),
    engine_errors.StaleCursorError: (422, "stale_cursor"),
    engine_errors.CursorError: (422, "invalid_cursor"),
    engine_errors.BackupError: (503, "unavailable"),
    encoder_errors.ClosedEncoderError: (503, "stopping"),
    encoder_errors.InvalidArchiveError: (422, "invalid_archive"),
    encoder_errors.MissingCapabilityError: (422, "missing_capability"),
    encoder_errors.EncoderError: (503, "unavailable"),
    AmbiguousIdError: (422, "ambiguous_id"),
    ArtifactError: (503, "unavailable"),
    engine_errors.EncodersBusyError: (429, "overloaded"),
    OverloadedError: (429, "overloaded"),
    failures.InvalidRequestError: (422, "invalid_request"),
    failures.InvalidElementError: (422, "invalid_document"),
    failures.InvalidJsonError: (422, "invalid_json"),
    failures.AmbiguousJsonError: (422, "ambiguous_json"),
    failures.InvalidQueryStringError: (422, "invalid_query_string"),
    failures.InvalidLineError: (422, "invalid_line"),
    failures.TokenArraysError: (400, "token_arrays_not_supported"),
    failures.InvalidCheckpointError: (422, "invalid_checkpoint"),
    failures.UnknownCheckpointError: (404, "checkpoint_not_found"),
    failures.UnknownReportError: (404, "report_not_found"),
    failures.BodyTooLargeError: (413, "body_too_large"),
    failures.InvalidCodingError: (422, "invalid_coding"),
    failures.TextTooLongError: (413, "text_too_long"),
    failures.MediaTypeError: (415, "unsupported_media_type"),
    failures.InvalidKeyError: (401, "invalid_key"),
    failures.ForbiddenError: (403, "forbidden"),
    failures.StoppingError: (503, "stopping"),
}
_PLACES = {
    "invalid_dimensions": "dimensions",
    "no_cross_encoder": "rerank",
    "invalid_filter": "filter",
    "invalid_cursor": "cursor",
    "stale_cursor": "cursor",
}
_TELLING_PART = (
    engine_errors.UnknownModelError,
    index_errors.UnknownFieldError,
    index_errors.MatchError,
)
HTTP = {
    404: ("not_found", "there is nothing at this path; GET /openapi.json lists the routes"),
    405: ("method_not_allowed", "this path takes other methods; the header Allow lists them"),
}
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = "the server may not use a file of its home"
_STORAGE = {
    errno.EIO: "the disk of the server fails",
    errno.EROFS: "the server's home is on a file system that is mounted read-only",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.ENOENT: "a file of the server's home is gone",
    errno.EMFILE: "the server has as many files open as it may",
    errno.ENFILE: "the server's system has as many files open as it can",
    errno.ESTALE: "the server's disk was exchanged",
}


def install(app: FastAPI) -> None:
    """Let `app` answer with these errors, and no others."""
    others = (RequestValidationError, HTTPException, OSError, PartlyDeletedError)
    for kind in (*_KINDS, *others):
        app.add_exception_handler(kind, answer)
    for kind in (ClientDisconnect, encoder_errors.AbandonedError):
        app.add_exception_handler(kind, _nobody)


async def answer(request: Request, error: Exception) -> Response:
    """The response for an error; raises what is nobody's fault but ours."""
    failure = failure_of(error)
    if failure.status == 405:
        failure = replace(failure, headers={"Allow": ", ".join(methods_of(request))})
    if failure.status == 401:
        challenge = challenge_of(request.method, request.headers)
        failure = replace(failure, headers={**failure.headers, "WWW-Authenticate": challenge})
    if isinstance(error, OverloadedError):
        service_of(request).metrics.refused(error.where)
    elif isinstance(error, engine_errors.EncodersBusyError):
        service_of(request).metrics.refused("encoders")
    if failure.status >= 500:
        request_id = request_id_of(request.scope)
        log.error("request.refused", request_id=request_id, code=failure.code, reason=str(error))
    return tell(request, failure)


def tell(request: Request, failure: HttpFailure) -> Response:
    """The response for a failure: a page where a page was asked for."""
    if is_for_people(request):
        return show_failure(request, failure)
    request_id = request_id_of(request.scope)
    return write_failure(failure, path=request.url.path, request_id=request_id)


def tell_refused(failure: HttpFailure, headers: Headers) -> bytes:
    """The answer to a request that was refused before it was read; `headers` are those that came.

    Where a browser opens a page it is one.
    """
    opens = b"text/html" in header_of(headers, b"accept")
    return written_last(show_refusal(failure)) if opens else written(failure)


def failure_of(error: Exception) -> HttpFailure:
    """What a client is told of an error. Raises the error itself where it is none of ours."""
    if isinstance(error, PartlyDeletedError):
        return _partly(error)
    if isinstance(error, RequestValidationError):
        error = InvalidRequestError(violations_of(error.errors(), body=error.body))
    if isinstance(error, HTTPException):
        code, detail = HTTP.get(error.status_code, ("invalid_request", str(error.detail)))
        return HttpFailure(error.status_code, code, detail, headers=error.headers or {})
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return HttpFailure(507, "disk_full", "the disk is full; free some space and try again")
    if isinstance(error, OSError) and error.errno in _STORAGE:
        detail = f"{_STORAGE[error.errno]}; its log says more under the request id of this answer"
        return HttpFailure(503, "unavailable", detail, headers={"Retry-After": RETRY_SECONDS})
    for kind in type(error).__mro__:
        if kind in _KINDS:
            return _mapped(error, *_KINDS[kind])
    raise error


def _partly(error: PartlyDeletedError) -> HttpFailure:
    """What ended it, and how far it had come."""
    failure = failure_of(error.cause)
    extensions = {**failure.extensions, **error.extensions}
    return replace(failure, detail=f"{failure.detail}; {error}", extensions=extensions)


def _mapped(error: Exception, status: int, code: str) -> HttpFailure:
    if isinstance(error, RequestError):
        return HttpFailure(
            status,
            code,
            str(error),
            headers=error.headers,
            violations=error.violations,
            extensions=error.extensions,
        )
    place = _PLACES.get(code)
    if isinstance(error, _TELLING_PART):
        place = error.part
    return HttpFailure(
        status,
        code,
        str(error),
        headers=_retry(error, status),
        violations=(Violation(str(error), "body", (place,)),) if place else (),
        extensions=_extensions(error),
    )


def _extensions(error: Exception) -> Mapping[str, Any]:
    """What a client needs to go on."""
    match error:
        case index_errors.JobConflictError():
            return {"job": error.job_id}
        case index_errors.PreconditionFailedError():
            return {"revision": error.revision}
        case _:
            return {}


def _retry(error: Exception, status: int) -> dict[str, str]:
    """When to try again."""
    patient = (OverloadedError, engine_errors.EncodersBusyError, engine_errors.UnavailableError)
    if isinstance(error, patient):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": RETRY_SECONDS} if status == 503 else {}


async def _nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)  # never arrives: the client closed the connection
