"""NDJSON: a stream of documents or patches, one a line, kept in batches while it still arrives.

Memory is bounded by one batch and a line, whatever the size of the stream; where large bodies have
no room, batches are smaller. Where a line is wrong, the lines before it are kept and the answer
says how many.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.requests import Request

from molt.app.http.admission import Bulkhead, OverloadedError
from molt.app.http.auth import Access
from molt.app.http.failures import (
    STOPPING,
    BodyTooLargeError,
    ForbiddenError,
    InvalidCodingError,
    InvalidKeyError,
    InvalidLineError,
    RequestError,
    StoppingError,
)
from molt.app.http.route import share_of
from molt.app.http.scope import covered
from molt.app.routes.documents.intake import Written
from molt.app.routes.documents.line_cutter import LineCutter
from molt.app.routes.documents.line_kinds import LineKind
from molt.app.service import Service, service_of
from molt.index.catalog.collection import Collection
from molt.index.errors import InvalidDocumentError

BATCH_LINES = 500
BATCH_BYTES = 4 * 2**20
_PAUSE = 0.05
_T = TypeVar("_T")


@dataclass
class _Batch:
    """Lines that are kept together, each with its number."""

    is_first: bool = True
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    size: int = 0

    def add(self, number: int, line: bytes) -> None:
        self.lines.append((number, line))
        self.size += len(line)

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= BATCH_LINES or self.size >= BATCH_BYTES


@dataclass
class _Stream(Generic[_T]):
    """A stream of documents on its way into a collection."""

    request: Request
    collection: Collection
    kind: LineKind[_T]
    taken: Written
    batch: _Batch = field(default_factory=_Batch)

    async def take(self, lines: LineCutter) -> None:
        """Keep every line of the body."""
        share = share_of(self.request)
        async for chunk in self.request.stream():
            for number, line in lines.whole(chunk):
                self.batch.add(number, line)
                if self.batch.is_full or not share.fits(self.batch.size + lines.held):
                    await self.keep()
            if self.batch.lines and not share.fits(self.batch.size + lines.held):
                await self.keep()
            share.resize(self.batch.size + lines.held)
            if lines.are_over:
                break
        for number, line in lines.rest():
            self.batch.add(number, line)
        await self.keep()

    async def keep(self) -> None:
        """Keep a batch. A busy server refuses the first; those after it wait for a place."""
        service, batch = service_of(self.request), self.batch
        if not batch.is_first:
            await _look_at_key_again(self.request, self.collection, self.taken)
        while True:
            try:
                self.taken = await service.bulkheads[Bulkhead.IMPORTS].run(
                    _keep_batch, service, self.collection, batch, self.taken, self.kind
                )
                break
            except OverloadedError:
                if batch.is_first or service.stopping:
                    raise
            await asyncio.sleep(_PAUSE)
        self.batch = _Batch(is_first=False)


async def keep_lines(
    request: Request, service: Service, collection: Collection, kind: LineKind[_T]
) -> Written:
    """Keep every line of the body, in their order.

    Raises `InvalidLineError`, `BodyTooLargeError`, `InvalidCodingError` and, where the server does
    not wait for its end, `StoppingError`.
    """
    stream = _Stream(request, collection, kind, Written(0, collection.revision))
    try:
        await stream.take(LineCutter(limit=service.settings.limits.max_ndjson_line_bytes))
    except (BodyTooLargeError, InvalidCodingError) as error:  # of what is still packed
        await stream.keep()
        taken = stream.taken
        raise type(error)(
            f"{error}; documents accepted before: {taken.accepted}",
            extensions={"accepted": taken.accepted, "revision": taken.revision},
        ) from None
    except asyncio.CancelledError:  # by a shutdown, perhaps while a batch was kept
        taken = stream.taken
        raise StoppingError(
            f"{STOPPING}; the first {taken.accepted} documents, at least, were accepted",
            extensions={"accepted": taken.accepted, "revision": taken.revision},
        ) from None
    return stream.taken


async def _look_at_key_again(request: Request, collection: Collection, taken: Written) -> None:
    """A stream may last for hours, and its key be revoked meanwhile; another may have come too."""
    try:
        caller = await service_of(request).guard.admit(request.headers, Access.WRITE)
        covered(caller, collection.name)
    except (InvalidKeyError, ForbiddenError) as error:
        raise type(error)(
            f"{error}; documents accepted before: {taken.accepted}",
            extensions={"accepted": taken.accepted, "revision": taken.revision},
        ) from None


def _keep_batch(
    service: Service, collection: Collection, batch: _Batch, taken: Written, kind: LineKind[_T]
) -> Written:
    limits = service.settings.limits
    found: dict[int, _T] = {}
    for number, line in batch.lines:
        try:
            found[number] = kind.read(line, limits)
        except (RequestError, InvalidDocumentError) as error:
            taken = _keep_all(service, collection, found, taken, kind)
            raise _wrong(number, error, taken) from None
    return _keep_all(service, collection, found, taken, kind)


def _keep_all(
    service: Service,
    collection: Collection,
    found: dict[int, _T],
    taken: Written,
    kind: LineKind[_T],
) -> Written:
    """Keep what was found, by the numbers of its lines; where one is refused, those before it."""
    if not found:
        return taken
    try:
        return taken.then(kind.keep(service, collection, list(found.values())))
    except InvalidDocumentError:
        for number, entry in found.items():
            try:
                taken = taken.then(kind.keep(service, collection, [entry]))
            except InvalidDocumentError as error:
                raise _wrong(number, error, taken) from None
        return taken


def _wrong(number: int, error: Exception, taken: Written) -> InvalidLineError:
    reason = str(error).replace("the body", "the line", 1)
    return InvalidLineError(number, reason, accepted=taken.accepted, revision=taken.revision)
