"""NDJSON: a stream of documents, one a line, kept in batches while it is still arriving.

Memory is bounded by one batch and a line, whatever the size of the stream; where large bodies have
no room, batches are smaller. Where a line is wrong, the lines before it are kept and the answer
says how many.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import Request

from molt.app.http.admission import OverloadedError
from molt.app.http.bodies import parse_json, require_plain
from molt.app.http.failures import BodyTooLargeError, InvalidLineError, RequestError
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


async def keep_lines(request: Request, service: Service, collection: Collection) -> Written:
    """Upsert every line of the body; of two lines with one id the later wins.

    Raises `InvalidLineError`.
    """
    require_plain(request)
    share = share_of(request)
    taken, batch = Written(0, collection.revision), _Batch()
    async for line in _lines(request, limit=service.settings.limits.max_ndjson_line_bytes):
        batch.add(line)
        if not batch.is_full and share.fits(batch.size):
            share.resize(batch.size)
            continue
        taken = await _keep(request, collection, batch, taken)
        batch = _Batch(first=batch.first + len(batch.lines))
        share.resize(0)
    return await _keep(request, collection, batch, taken)


async def _keep(request: Request, collection: Collection, batch: _Batch, taken: Written) -> Written:
    """Keep a batch. A busy server refuses the first; those after it wait for a place."""
    service = service_of(request)
    while True:
        try:
            return await admission_of(request).run(_keep_batch, service, collection, batch, taken)
        except OverloadedError:
            if batch.first == 1 or service.stopping:
                raise
        await asyncio.sleep(_PAUSE)


async def _lines(request: Request, *, limit: int) -> AsyncIterator[bytes]:
    """Every line, without its end; one beyond `limit` bytes is cut after it and is the last."""
    rest = b""
    async for chunk in request.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > limit:
            break
    if rest:
        yield rest[: limit + 1]


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
