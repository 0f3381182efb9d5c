"""NDJSON: a stream of documents, one a line, kept in batches while it is still arriving.

Memory is bounded by one batch and a line, whatever the size of the stream; where large bodies have
no room, batches are smaller. Where a line is wrong, the lines before it are kept and the answer
says how many.
"""

import asyncio
from dataclasses import dataclass, field

from starlette.requests import Request

from molt.app.http.admission import OverloadedError
from molt.app.http.auth import Access
from molt.app.http.bodies import parse_json, require_plain
from molt.app.http.failures import (
    BodyTooLargeError,
    InvalidKeyError,
    InvalidLineError,
    RequestError,
)
from molt.app.http.route import admission_of, share_of
from molt.app.http.validation import validate
from molt.app.routes.documents.intake import Written, keep, to_document
from molt.app.routes.documents.schemas import DocumentBody
from molt.app.service import Service, service_of
from molt.engine.settings import LimitSettings
from molt.index.catalog.collections import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import encode_document
from molt.index.errors import InvalidDocumentError

BATCH_LINES = 500
BATCH_BYTES = 4 * 2**20
_PAUSE = 0.05


@dataclass
class _Batch:
    first: int = 1
    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, line: bytes) -> None:
        self.lines.append(line)
        self.size += len(line)

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= BATCH_LINES or self.size >= BATCH_BYTES

    def next(self) -> "_Batch":
        return _Batch(first=self.first + len(self.lines))


class _Lines:
    """Cuts what arrives into lines; a line in however many pieces is put together once."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self.held = 0

    @property
    def are_over(self) -> bool:
        """Has the last line more bytes than it may?"""
        return self.held > self._limit

    def whole(self, chunk: bytes) -> list[bytes]:
        """The lines that end in a chunk, without their ends."""
        first, *others = chunk.split(b"\n")
        self._add(first)
        if not others:
            return []
        *between, last = others
        ended = self._taken()
        self._add(last)
        return [ended, *between]

    def rest(self) -> list[bytes]:
        """The last line, where it has no end; one beyond the limit is cut after it."""
        return [self._taken()[: self._limit + 1]] if self.held else []

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.held += len(piece)

    def _taken(self) -> bytes:
        line, self._pieces, self.held = b"".join(self._pieces), [], 0
        return line


async def keep_lines(request: Request, service: Service, collection: Collection) -> Written:
    """Upsert every line of the body; of two lines with one id the later wins.

    Raises `InvalidLineError`.
    """
    require_plain(request)
    share = share_of(request)
    taken, batch = Written(0, collection.revision), _Batch()
    lines = _Lines(limit=service.settings.limits.max_ndjson_line_bytes)
    async for chunk in request.stream():
        for line in lines.whole(chunk):
            batch.add(line)
            if batch.is_full or not share.fits(batch.size + lines.held):
                taken, batch = await _keep(request, collection, batch, taken), batch.next()
        if batch.lines and not share.fits(batch.size + lines.held):
            taken, batch = await _keep(request, collection, batch, taken), batch.next()
        share.resize(batch.size + lines.held)
        if lines.are_over:
            break
    for line in lines.rest():
        batch.add(line)
    return await _keep(request, collection, batch, taken)


async def _keep(request: Request, collection: Collection, batch: _Batch, taken: Written) -> Written:
    """Keep a batch. A busy server refuses the first; those after it wait for a place."""
    service = service_of(request)
    if batch.first > 1:
        await _look_at_key_again(request, taken)
    while True:
        try:
            return await admission_of(request).run(_keep_batch, service, collection, batch, taken)
        except OverloadedError:
            if batch.first == 1 or service.stopping:
                raise
        await asyncio.sleep(_PAUSE)


async def _look_at_key_again(request: Request, taken: Written) -> None:
    """A stream may last for hours, and its key be revoked meanwhile."""
    try:
        await service_of(request).guard.admit(request.headers, Access.WRITE)
    except InvalidKeyError as error:
        raise InvalidKeyError(
            f"{error}; the {taken.accepted} documents before were accepted",
            extensions={"accepted": taken.accepted, "revision": taken.revision},
        ) from None


def _keep_batch(service: Service, collection: Collection, batch: _Batch, taken: Written) -> Written:
    documents: list[Document] = []
    for number, line in enumerate(batch.lines, start=batch.first):
        try:
            if line.strip():
                documents.append(_read_line(line, service.settings.limits))
        except (RequestError, InvalidDocumentError) as error:
            taken = _keep_all(service, collection, documents, taken)
            raise InvalidLineError(
                number, str(error), accepted=taken.accepted, revision=taken.revision
            ) from None
    return _keep_all(service, collection, documents, taken)


def _keep_all(
    service: Service, collection: Collection, documents: list[Document], taken: Written
) -> Written:
    if not documents:
        return taken
    latest = {document.id: document for document in documents}
    kept = keep(service, collection, list(latest.values()))
    accepted = taken.accepted + len(documents)
    return Written(accepted, kept.revision, taken.resent | kept.resent)


def _read_line(line: bytes, limits: LimitSettings) -> Document:
    if len(line) > limits.max_ndjson_line_bytes:
        raise BodyTooLargeError(
            f"has more bytes than the {limits.max_ndjson_line_bytes} that the setting "
            "limits.max_ndjson_line_bytes allows"
        )
    document = to_document(validate(DocumentBody, parse_json(line)), limits)
    encode_document(document)
    return document
