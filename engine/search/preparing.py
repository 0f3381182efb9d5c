"""Preparing searches that come together: their texts are encoded at once, before each is answered.

What cannot be encoded, or is asked of a collection that does not answer, is told by its own search.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from molt.encoder.errors import AbandonedError, EncoderError
from molt.engine.live.live_collections import LiveCollections

if TYPE_CHECKING:
    from molt.encoder.encoder import Encoder

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class AskedText:
    """A text that is about to be searched for in a collection."""

    text: str
    collection: str


def encode_ahead(asked: Iterable[AskedText], live_collections: LiveCollections) -> None:
    """Have what serves each collection know the texts. Raises `AbandonedError` alone."""
    texts: dict[Encoder, list[str]] = defaultdict(list)
    for one in asked:
        encoder = live_collections.encoder_of(one.collection)
        if encoder is not None:
            texts[encoder].append(one.text)
    for encoder, own in texts.items():
        try:
            encoder.prepare(own)
        except AbandonedError:
            raise
        except EncoderError as error:
            log.warning("search.not_prepared", texts=len(own), reason=str(error))
