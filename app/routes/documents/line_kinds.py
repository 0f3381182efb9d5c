"""What the lines of a stream are, documents or patches: how one is read, and how many are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from molt.app.http.bodies import parse_json
from molt.app.http.failures import BodyTooLargeError
from molt.app.http.validation import validate
from molt.app.routes.documents.intake import Written, keep, keep_patches, to_document, to_patch
from molt.app.routes.documents.schemas import DocumentBody, PatchBody
from molt.app.routes.documents.truncation import count_rewritten, count_truncated
from molt.app.service import Service
from molt.engine.sections import LimitSettings
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import encode_document
from molt.index.catalog.rows.encoding import check_patch
from molt.index.catalog.rows.patching import DocumentPatch

_T = TypeVar("_T")


@dataclass(frozen=True)
class LineKind(Generic[_T]):
    """What the lines of a stream are: how one is read, and how many together are kept."""

    read: Callable[[bytes, LimitSettings], _T]
    keep: Callable[[Service, Collection, Sequence[_T]], Written]


def _within(line: bytes, limits: LimitSettings) -> bytes:
    if len(line) > limits.max_ndjson_line_bytes:
        raise BodyTooLargeError(
            f"has more bytes than the {limits.max_ndjson_line_bytes} that the setting "
            "limits.max_ndjson_line_bytes allows"
        )
    return line


def _read_document(line: bytes, limits: LimitSettings) -> Document:
    document = to_document(validate(DocumentBody, parse_json(_within(line, limits))), limits)
    encode_document(document)
    return document


def _read_patch(line: bytes, limits: LimitSettings) -> DocumentPatch:
    return check_patch(to_patch(validate(PatchBody, parse_json(_within(line, limits))), limits))


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
