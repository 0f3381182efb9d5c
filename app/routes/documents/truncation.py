"""Truncation: of which documents the model that serves does not read the end.

What is written stays acknowledged: none is counted where it cannot be told, or not just now.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from molt.app.http.admission import Admission, OverloadedError
from molt.app.routes.documents.schemas import DocumentBody
from molt.app.service import Service
from molt.encoder.encoder import InputType
from molt.encoder.errors import EncoderError
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.errors import IndexingError

_CHARS = 4 * 2**20
_MOST_TOKENS = 8
"""No text has more tokens than so many times its characters, prompt and special tokens aside."""


def count_truncated(
    service: Service, collection: Collection, documents: Iterable[Document | DocumentBody]
) -> int:
    """Of how many documents the end is not read."""
    encoder = service.engine.live_collections.encoder_of(collection.name)
    if encoder is None:
        return 0
    texts = [passage_text(title=one.title, text=one.text) for one in documents]
    long = [text for text in texts if len(text) * _MOST_TOKENS > encoder.checkpoint.max_length]
    with suppress(EncoderError):
        return sum(encoder.are_truncated(long, input_type=InputType.DOCUMENT)) if long else 0
    return 0


def count_rewritten(
    service: Service, collection: Collection, patches: Sequence[DocumentPatch]
) -> int:
    """Of how many documents, whose title or text patches have changed, the end is not read."""
    changed = (one.id for one in patches if one.title is not None or one.text is not None)
    wanted, catalog = list(dict.fromkeys(changed)), service.engine.catalog
    count = 0
    with suppress(IndexingError, OSError):
        while wanted:
            some = catalog.documents.get_many(collection, wanted, max_chars=_CHARS)
            count += count_truncated(service, collection, [one.document for one in some.documents])
            wanted = wanted[some.looked_at :]
    return count


async def telling_truncated(
    answer: dict[str, Any], count: Callable[[], int], *, admission: Admission
) -> dict[str, Any]:
    """The answer to a write, with what `count` says where the documents are indexed.

    A text that hangs, and so is given up, is no reason to refuse what has been written.
    """
    if answer["indexed"]:
        with suppress(OverloadedError, EncoderError):
            return answer | truncated(await admission.run(count))
    return answer


def truncated(count: int) -> dict[str, int]:
    """What an answer says of so many documents."""
    return {"truncated": count} if count else {}
