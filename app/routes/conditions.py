"""Conditions: `If-Match` and `If-None-Match` of a write, and the tags that they are about.

A tag is a revision: a document's, or a collection's (RFC 9110, section 13.1).
"""

import re
from typing import Literal

from starlette.requests import Request

from molt.app.http.failures import InvalidRequestError, Violation
from molt.index.catalog.rows.preconditions import Precondition

_TAG = re.compile(r'\s*(?P<weak>W/)?("(?P<quoted>[^"]*)"|(?P<bare>[0-9]+))\s*')
_REVISION = re.compile(r"[0-9]{1,18}", re.ASCII)


def tagged(revision: int | None) -> dict[str, str]:
    """The header that tells a client of a revision; none where there is no revision."""
    return {} if revision is None else {"ETag": f'"{revision}"'}


def matching_of(request: Request) -> frozenset[int] | None:
    """The revisions one of which what is there has to have; None where it may have any.

    Raises `InvalidRequestError` for a header that cannot be understood, or cannot hold.
    """
    given = precondition_of(request, of="one")
    if given.exist is False:
        raise _wrong("If-None-Match", "cannot hold here, where what is there is meant")
    return given.match


def precondition_of(request: Request, *, of: Literal["one", "many"]) -> Precondition:
    """What a request depends on: the revision of one document, or of many or their collection.

    Raises `InvalidRequestError` for a header that cannot be understood.
    """
    match = ",".join(request.headers.getlist("if-match")).strip()
    none = ",".join(request.headers.getlist("if-none-match")).strip()
    if none not in {"", "*"}:
        raise _wrong("If-None-Match", "takes * alone here; name revisions in If-Match")
    exist = False if none else (True if match == "*" else None)
    revisions = _revisions(match) if match not in {"", "*"} else None
    return Precondition(revisions, exist, counted=of == "many")


def refuse_conditions(request: Request) -> None:
    """Raise `InvalidRequestError` where a write in many transactions shall depend on something."""
    for name in ("If-Match", "If-None-Match"):
        if name in request.headers:
            raise _wrong(
                name,
                "cannot hold for a stream of lines, which is kept in batches; send the documents "
                "as application/json",
            )


def _revisions(header: str) -> frozenset[int]:
    """The revisions among the tags; one that is weak or no number is nobody's."""
    found, at = set(), 0
    while at < len(header):
        tag = _TAG.match(header, at)
        if tag is None or header[tag.end() : tag.end() + 1] not in {"", ","}:
            raise _wrong("If-Match", 'expected * or revisions in quotes, as If-Match: "7"')
        value = tag["bare"] or tag["quoted"] or ""
        if not tag["weak"] and _REVISION.fullmatch(value):
            found.add(int(value))
        at = tag.end() + 1
    return frozenset(found)


def _wrong(name: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([Violation(detail, "header", (name,))])
