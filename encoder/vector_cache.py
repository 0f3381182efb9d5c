"""The vector cache: vectors of many texts under one variant of a checkpoint, on disk in chunks.

Whoever was killed goes on at the chunk where it stopped, and unchanged texts are never encoded
twice. All of it is a cache: it may be deleted at any time, and what is damaged is encoded again.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from molt.artifact import canonical_json, text_hash, write_atomically
from molt.encoder.checkpoint import InputType
from molt.encoder.encoder import Encoder
from molt.encoder.errors import UnsoundVectorsError
from molt.encoder.runtimes.runtime import contents_of
from molt.encoder.safety.vectors import LENGTH_ERROR
from molt.encoder.scheduling.lane import Lane

_Vectors = npt.NDArray[np.float32]
OnProgress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and how much there is."""

_CHUNK = 1024
_HASH = 16
_DIGEST = 32
_SUFFIX = ".vectors"


def quiet(stage: str, done: int, total: int) -> None:
    """OnProgress that nobody watches."""


def encode_documents(
    encoder: Encoder, texts: Sequence[str], *, cache: Path, progress: OnProgress = quiet
) -> _Vectors:
    """Vectors `(n, dim) float32` of documents; what `cache` holds is not encoded again.

    Texts are encoded in the order of their hashes: a quantised graph gives a text another vector,
    by a little, in other company, and so equal texts have equal vectors in whatever order they
    come and wherever a former run was killed.

    Raises `UnsoundVectorsError` where the checkpoint makes vectors that no ranking can rest on: not
    finite, not of its dimension, or not normalised.
    """
    stage = f"documents by {encoder.checkpoint.id}"
    hashes = [text_hash(text) for text in texts]
    places = {digest: place for place, digest in enumerate(dict.fromkeys(hashes))}
    by_hash = dict(zip(hashes, texts, strict=True))
    vectors = np.empty((len(places), encoder.dimension), np.float32)
    folder = cache / "vectors" / _folder(encoder)
    missing = _missing(places, vectors, folder)
    for start in range(0, len(missing), _CHUNK):
        progress(stage, len(places) - len(missing) + start, len(places))
        wanted = missing[start : start + _CHUNK]
        found = _encode(encoder, [by_hash[digest] for digest in wanted], InputType.DOCUMENT)
        _write(folder, _Chunk(wanted, found))
        vectors[[places[digest] for digest in wanted]] = found
    progress(stage, len(places), len(places))
    if len(places) == len(hashes):
        return vectors
    return vectors[[places[digest] for digest in hashes]]


def encode_queries(
    encoder: Encoder, texts: Sequence[str], *, progress: OnProgress = quiet
) -> _Vectors:
    """Vectors `(n, dim)` of queries, each computed alone as a service does. Raises as above."""
    stage = f"queries by {encoder.checkpoint.id}"
    vectors = np.empty((len(texts), encoder.dimension), np.float32)
    for start in range(0, len(texts), _CHUNK):
        progress(stage, start, len(texts))
        block = texts[start : start + _CHUNK]
        vectors[start : start + _CHUNK] = _encode(encoder, block, InputType.QUERY)
    progress(stage, len(texts), len(texts))
    return vectors


class CachedEmbedding:
    """Embeds documents for an index, and takes what `encode_documents` left of their vectors."""

    def __init__(self, encoder: Encoder, *, cache: Path) -> None:
        self._encoder = encoder
        chunks = _chunks(cache / "vectors" / _folder(encoder), dimension=encoder.dimension)
        self._known = {
            digest: (chunk.vectors, row)
            for chunk in chunks
            for row, digest in enumerate(chunk.hashes)
        }

    def __call__(self, texts: Sequence[str]) -> _Vectors:
        """Vectors `(n, dim)`. Raises as the encoder does."""
        vectors = np.empty((len(texts), self._encoder.dimension), np.float32)
        known = [self._known.get(text_hash(text)) for text in texts]
        missing = [place for place, found in enumerate(known) if found is None]
        for place, found in enumerate(known):
            if found is not None:
                block, row = found
                vectors[place] = block[row]
        if missing:
            made = self._encoder.embed_documents([texts[place] for place in missing])
            vectors[missing] = made
        return vectors


@dataclass(frozen=True)
class _Chunk:
    """Text hashes of 16 bytes each, and `vectors` `(n, dim)` of those texts."""

    hashes: Sequence[bytes]
    vectors: _Vectors


def _encode(encoder: Encoder, texts: Sequence[str], input_type: InputType) -> _Vectors:
    lane = Lane.INTERACTIVE if input_type is InputType.QUERY else Lane.BACKGROUND
    try:
        vectors = encoder.encode(texts, input_type=input_type, lane=lane).vectors
    except ValueError as error:  # what numpy says of a graph that is not as its manifest says
        raise _unsound(encoder, f"cannot be put into its dimension: {error}") from error
    if vectors.shape != (len(texts), encoder.dimension):
        raise _unsound(encoder, f"have the shape {vectors.shape}, not its dimension")
    if not np.isfinite(vectors).all():
        raise _unsound(encoder, "are not finite")
    lengths = np.linalg.norm(vectors, axis=1)
    # A static embedding makes the zero vector of a text without tokens.
    wrong = lengths[(lengths != 0) & (np.abs(lengths - 1) > LENGTH_ERROR)]
    if len(wrong):
        raise _unsound(encoder, f"are not normalised: one has the length {wrong[0]:.3f}")
    return vectors


def _unsound(encoder: Encoder, how: str) -> UnsoundVectorsError:
    return UnsoundVectorsError(
        f"the vectors of variant {encoder.variant.name} of checkpoint {encoder.checkpoint.id}, "
        f"which has {encoder.dimension} dimensions, {how}; it cannot rank: export it again"
    )


def _folder(encoder: Encoder) -> str:
    """Named by all that vectors depend on: the checkpoint, and the very graph that made them."""
    checkpoint, variant = encoder.checkpoint, encoder.variant
    contents = canonical_json(contents_of(checkpoint, variant))
    return f"{checkpoint.id}-{variant.name}-{hashlib.sha256(contents).hexdigest()[:16]}"


def _missing(places: dict[bytes, int], vectors: _Vectors, folder: Path) -> list[bytes]:
    """Fill `vectors` with what `folder` holds of them; the hashes of the others, sorted."""
    unknown = dict.fromkeys(places)
    for chunk in _chunks(folder, dimension=vectors.shape[1]):
        for row, digest in enumerate(chunk.hashes):
            if digest in unknown:
                vectors[places[digest]] = chunk.vectors[row]
                del unknown[digest]
    return sorted(unknown)


def _chunks(folder: Path, *, dimension: int) -> Iterator[_Chunk]:
    """Every whole chunk of a folder; damaged ones are deleted."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        content = path.read_bytes()
        body = content[_DIGEST:]
        count, rest = divmod(len(body), _HASH + 4 * dimension)
        if rest or hashlib.sha256(body).digest() != content[:_DIGEST]:
            path.unlink()
            continue
        ends = range(_HASH, _HASH * count + 1, _HASH)
        offset, shape = _DIGEST + _HASH * count, (count, dimension)
        yield _Chunk(
            [body[end - _HASH : end] for end in ends],
            np.memmap(path, "<f4", mode="r", offset=offset, shape=shape),
        )


def _write(folder: Path, chunk: _Chunk) -> None:
    """Write a chunk whole: its SHA-256, the hashes, then the vectors in little-endian float32."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes = b"".join(chunk.hashes)
    body = hashes + chunk.vectors.astype("<f4", copy=False).tobytes()
    name = hashlib.sha256(hashes).hexdigest()[:32]
    write_atomically(folder / f"{name}{_SUFFIX}", hashlib.sha256(body).digest() + body)
