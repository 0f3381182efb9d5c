"""Sealing: documents become the content of a segment, and no text is encoded that has a vector.

Splits, hashes, reuses, encodes. Writes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.catalog.document import passage_text, text_hash
from molt.index.catalog.documents import StoredDocument
from molt.index.errors import VectorError
from molt.index.generations.passages import Split, whole_text
from molt.index.generations.reuse import reuse_vectors
from molt.index.segments.attributes import attributes_of
from molt.index.segments.exact import Vectors
from molt.index.segments.segment import ROW, Segment, SegmentContent


@dataclass(frozen=True)
class PassageEncoder:
    """How documents become vectors: `embed` maps n texts to `(n, dim) float32`."""

    embed: Callable[[Sequence[str]], Vectors]
    split: Split = whole_text


@dataclass(frozen=True)
class _Passage:
    text: str
    row: tuple[int, int, int, int, int, np.void]


def sealed_content(
    changed: Sequence[StoredDocument],
    encoder: PassageEncoder,
    *,
    dimension: int,
    known: Sequence[Segment],
) -> SegmentContent:
    """The content of a segment that holds `changed`; vectors that `known` segments hold are reused.

    Raises `VectorError` where the encoder gives vectors of another shape.
    """
    documents = sorted(changed, key=lambda stored: stored.ordinal)
    passages = [one for stored in documents for one in _passages(stored, encoder.split)]
    rows = np.array([passage.row for passage in passages], dtype=ROW)
    reused = reuse_vectors(known, rows["hash"], dimension=dimension)
    missing = np.flatnonzero(~reused.found).tolist()
    if missing:
        texts = [passages[row].text for row in missing]
        reused.vectors[missing] = _embedded(texts, encoder, dimension=dimension)
    return SegmentContent(
        rows=rows,
        blocks=[reused.vectors],
        dimension=dimension,
        attributes=attributes_of(
            [stored.document.metadata for stored in documents],
            rows=np.flatnonzero(rows["passage"] == 0).tolist(),
        ),
    )


def _passages(stored: StoredDocument, split: Split) -> Iterator[_Passage]:
    document = stored.document
    for place, span in enumerate(split(document.text)):
        text = passage_text(title=document.title, text=document.text[span.start : span.end])
        key = np.void(text_hash(text))
        row = (stored.ordinal, stored.revision, place, span.start, span.end, key)
        yield _Passage(text, row)


def _embedded(texts: Sequence[str], encoder: PassageEncoder, *, dimension: int) -> Vectors:
    """A vector for each text; equal texts are encoded once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    vectors = np.asarray(encoder.embed(list(places)), dtype=np.float32)
    if vectors.shape != (len(places), dimension):
        raise VectorError(
            f"the encoder gave vectors {vectors.shape} for {len(places)} texts; "
            f"the generation holds {dimension} dimensions"
        )
    return vectors[[places[text] for text in texts]]
