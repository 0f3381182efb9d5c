"""NDJSON: a stream of documents or patches, one a line, kept in batches while it still arrives.

Memory is bounded by one batch and a line, whatever the size of the stream; where large bodies have
no room, batches are smaller. Where a line is wrong, the lines before it are kept and the answer
says how many.
"""

import asyncio
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from starlette.requests import Request

from molt.app.http.admission import Bulkhead, OverloadedError
from molt.app.http.auth import Access
from molt.app.http.bodies import parse_json
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
from molt.app.http.validation import validate
from molt.app.routes.documents.intake import Written, keep, keep_patches, to_document, to_patch
from molt.app.routes.documents.schemas import DocumentBody, PatchBody
from molt.app.routes.documents.truncation import count_rewritten, count_truncated
from molt.app.service import Service, service_of
from molt.engine.sections import LimitSettings
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import encode_document
from molt.index.catalog.rows.encoding import check_patch
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.errors import InvalidDocumentError

BATCH_LINES = 500
BATCH_BYTES = 4 * 2**20
_PAUSE = 0.05
_T = TypeVar("_T")


@dataclass(frozen=True)
class LineKind(Generic[_T]):
    """What the lines of a stream are: how one is read, and how many together are kept."""

    read: Callable[[bytes, LimitSettings], _T]
    keep: Callable[[Service, Collection, Sequence[_T]], Written]


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


class _Lines:
    """Cuts what arrives into lines; a line in however many pieces is put together once."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._ended = 0
        self.held = 0

    @property
    def are_over(self) -> bool:
        """Has the last line more bytes than it may?"""
        return self.held > self._limit

    def whole(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """The lines that end in a chunk, without their ends, and the blank ones."""
        if not self.held and chunk.isspace():  # as many as there are bytes, perhaps
            self._ended += chunk.count(b"\n")
            return
        first, *others = chunk.split(b"\n")
        self._add(first)
        if not others:
            return
        *between, last = others
        ended = self._taken()
        self._add(last)
        for line in (ended, *between):
            self._ended += 1
            if not _is_blank(line):
                yield self._ended, line

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """The last line, where it has no end; one beyond the limit is cut after it."""
        line = self._taken()[: self._limit + 1]
        if not _is_blank(line):
            yield self._ended + 1, line

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.held += len(piece)

    def _taken(self) -> bytes:
        line, self._pieces, self.held = b"".join(self._pieces), [], 0
        return line


def _is_blank(line: bytes) -> bool:
    return not line or line.isspace() or not line.removeprefix(BOM_UTF8).strip()


@dataclass
class _Stream(Generic[_T]):
    """A stream of documents on its way into a collection."""

    request: Request
    collection: Collection
    kind: LineKind[_T]
    taken: Written
    batch: _Batch = field(default_factory=_Batch)

    async def take(self, lines: _Lines) -> None:
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
        await stream.take(_Lines(limit=service.settings.limits.max_ndjson_line_bytes))
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
            found[number] = kind.read(_within(line, limits), limits)
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


def _within(line: bytes, limits: LimitSettings) -> bytes:
    if len(line) > limits.max_ndjson_line_bytes:
        raise BodyTooLargeError(
            f"has more bytes than the {limits.max_ndjson_line_bytes} that the setting "
            "limits.max_ndjson_line_bytes allows"
        )
    return line


def _read_document(line: bytes, limits: LimitSettings) -> Document:
    document = to_document(validate(DocumentBody, parse_json(line)), limits)
    encode_document(document)
    return document


def _read_patch(line: bytes, limits: LimitSettings) -> DocumentPatch:
    return check_patch(to_patch(validate(PatchBody, parse_json(line)), limits))


def _keep_latest(
    service: Service, collection: Collection, documents: Sequence[Document]
) -> Written:
    """Upsert; of two documents with one id the later wins."""
    latest = {document.id: document for document in documents}
    kept = keep(service, collection, list(latest.values()))
    return replace(kept, accepted=len(documents), tag=None)


def _keep_and_count(
    service: Service, collection: Collection, documents: Sequence[Document]
) -> Written:
    """The same, and of how many the end is not read."""
    kept = _keep_latest(service, collection, documents)
    latest = {document.id: document for document in documents}
    return replace(kept, truncated=count_truncated(service, collection, latest.values()))


def _patch_and_count(
    service: Service, collection: Collection, patches: Sequence[DocumentPatch]
) -> Written:
    kept = keep_patches(service, collection, patches)
    return replace(kept, truncated=count_rewritten(service, collection, patches))


DOCUMENT_LINES = LineKind(_read_document, _keep_latest)
PATCH_LINES = LineKind(_read_patch, keep_patches)
AWAITED_DOCUMENT_LINES = LineKind(_read_document, _keep_and_count)
AWAITED_PATCH_LINES = LineKind(_read_patch, _patch_and_count)
"""Lines of which it is told how many the model does not read to their ends."""
