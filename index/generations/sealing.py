"""Sealing: documents become the content of a segment, and no text is encoded that has a vector.

Splits, hashes, reuses, encodes, and sets aside what cannot be encoded. Writes nothing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.artifact import panics_contained, text_hash
from molt.artifact.tracing import traced
from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.documents import StoredDocument
from molt.index.errors import VectorError
from molt.index.generations.generation import Quarantined
from molt.index.generations.sifting import sift
from molt.index.passages.cutting import Span
from molt.index.segments.attributes import attributes_of
from molt.index.segments.exact import Mask, Vectors
from molt.index.segments.hashes import Hashes
from molt.index.segments.segment import ROW, Segment, SegmentContent

_HARMLESS = "warm-up"
"""What every encoder that was opened has encoded."""


Embed = Callable[[Sequence[str]], Vectors]
Splitter = Callable[[Document], Sequence[Span]]


def whole_text(document: Document) -> Sequence[Span]:
    """One passage: the encoder reads as much of it as it can."""
    return (Span(0, len(document.text)),)


@dataclass(frozen=True)
class PassageEncoder:
    """How documents become vectors: `embed` maps n texts to `(n, dim) float32`."""

    embed: Embed
    split: Splitter = whole_text


@dataclass(frozen=True)
class Sealed:
    """What becomes of changed documents: the content of a segment, and those without a row in it.

    `content` is None where no document has one.
    """

    content: SegmentContent | None
    quarantined: tuple[Quarantined, ...] = ()


@dataclass(frozen=True)
class _Passage:
    text: str
    row: tuple[int, int, int, int, int, np.void]


def sealed(
    changed: Sequence[StoredDocument],
    encoder: PassageEncoder,
    *,
    dimension: int,
    known: Sequence[Segment],
) -> Sealed:
    """The content of a segment that holds `changed`; vectors that `known` segments hold are reused.

    A document that cannot be encoded although others can keeps none of them out. Raises what the
    encoder raises where it encodes nothing, and `VectorError` for vectors of another shape.
    """
    documents = sorted(changed, key=lambda stored: stored.ordinal)
    passages = [one for stored in documents for one in _passages(stored, encoder.split)]
    rows = np.array([passage.row for passage in passages], dtype=ROW)
    reused = _reuse_vectors(known, rows["hash"], dimension=dimension)
    missing = np.flatnonzero(~reused.found).tolist()
    embedded = _embedded([passages[row].text for row in missing], encoder, dimension=dimension)
    reused.vectors[missing] = embedded.vectors
    reasons = {passages[missing[at]].row[0]: why for at, why in embedded.reasons.items()}
    batch = _Batch(documents, rows, reused.vectors).without(reasons)
    try:
        with panics_contained():
            content = batch.content()
    except Exception:
        reasons |= (unfilterable := _unfilterable(batch.documents))
        if not unfilterable:
            raise
        content = batch.without(unfilterable).content()
    refused = (stored for stored in documents if stored.ordinal in reasons)
    return Sealed(content, tuple(_quarantined(one, reasons[one.ordinal]) for one in refused))


@dataclass(frozen=True)
class _Batch:
    """Documents by ordinal, their `rows` of dtype `ROW`, and a vector for each row."""

    documents: Sequence[StoredDocument]
    rows: npt.NDArray[np.void]
    vectors: Vectors

    def without(self, ordinals: Collection[int]) -> "_Batch":
        """The others."""
        if not ordinals:
            return self
        kept = ~np.isin(self.rows["ordinal"], list(ordinals))
        documents = [stored for stored in self.documents if stored.ordinal not in ordinals]
        return _Batch(documents, self.rows[kept], self.vectors[kept])

    def content(self) -> SegmentContent | None:
        if not self.documents:
            return None
        return SegmentContent(
            rows=self.rows,
            blocks=[self.vectors],
            dimension=self.vectors.shape[1],
            attributes=attributes_of(
                [stored.document.metadata for stored in self.documents],
                rows=np.flatnonzero(self.rows["passage"] == 0).tolist(),
                ids=[stored.document.id for stored in self.documents],
            ),
        )


def _quarantined(stored: StoredDocument, reason: str) -> Quarantined:
    return Quarantined(stored.document.id, stored.ordinal, stored.revision, reason)


def _unfilterable(documents: Sequence[StoredDocument]) -> dict[int, str]:
    """By ordinal, why the metadata of a document cannot be made filterable."""

    def make(places: Sequence[int]) -> None:
        attributes_of([documents[place].document.metadata for place in places])

    failing = sift(len(documents), make, prove=lambda: make(()))
    return {documents[place].ordinal: why for place, why in failing.items()}


def _passages(stored: StoredDocument, split: Splitter) -> Iterator[_Passage]:
    document = stored.document
    for place, span in enumerate(split(document)):
        text = passage_text(title=document.title, text=document.text[span.start : span.end])
        key = np.void(text_hash(text))
        row = (stored.ordinal, stored.revision, place, span.start, span.end, key)
        yield _Passage(text, row)


@dataclass(frozen=True)
class _Embedded:
    """`vectors` `(n, dim) float32` of n texts; `reasons` by place, why a text has none."""

    vectors: Vectors
    reasons: Mapping[int, str]


def _embedded(texts: Sequence[str], encoder: PassageEncoder, *, dimension: int) -> _Embedded:
    """A vector for each text; equal texts are encoded once."""
    unique = list(dict.fromkeys(texts))
    made = np.zeros((len(unique), dimension), np.float32)

    def embed(places: Sequence[int]) -> None:
        made[list(places)] = _vectors([unique[at] for at in places], encoder, dimension=dimension)

    with traced("index.encode", texts=len(unique)):
        failing = sift(len(unique), embed, prove=lambda: _prove(encoder, dimension=dimension))
    places = {text: at for at, text in enumerate(unique)}
    order = [places[text] for text in texts]
    reasons = {row: failing[at] for row, at in enumerate(order) if at in failing}
    return _Embedded(made[order], reasons)


def _prove(encoder: PassageEncoder, *, dimension: int) -> None:
    """Raise where not even a harmless text can be encoded."""
    _vectors([_HARMLESS], encoder, dimension=dimension)


def _vectors(texts: Sequence[str], encoder: PassageEncoder, *, dimension: int) -> Vectors:
    vectors = np.asarray(encoder.embed(texts), dtype=np.float32)
    if vectors.shape != (len(texts), dimension):
        raise VectorError(
            f"the encoder gave vectors {vectors.shape} for {len(texts)} texts; "
            f"the generation holds {dimension} dimensions"
        )
    if not np.isfinite(vectors).all():
        raise VectorError("the encoder gave a vector with a value that is not a finite number")
    return vectors


@dataclass(frozen=True)
class _Reused:
    """`vectors` `(n, dim) float32`, meaningful where `found` `(n,)` holds."""

    vectors: Vectors
    found: Mask


def _reuse_vectors(segments: Iterable[Segment], hashes: Hashes, *, dimension: int) -> _Reused:
    """Look the text hashes `(n,)` of dtype `V16` up in every segment, live rows or dead."""
    reused = _Reused(np.empty((len(hashes), dimension), np.float32), np.zeros(len(hashes), bool))
    for segment in segments:
        missing = np.flatnonzero(~reused.found)
        if not len(missing):
            break
        rows = segment.rows_by_hash.find(hashes[missing])
        known = rows >= 0
        reused.vectors[missing[known]] = segment.vectors[rows[known]]
        reused.found[missing[known]] = True
    return reused
