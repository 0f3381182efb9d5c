"""The encoder: texts in, vectors out, shared by every thread of a service."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.encoder.batching import MicroBatch, packed, singles
from molt.encoder.cache import CachedText, QueryCache
from molt.encoder.checkpoint import Checkpoint, InputType, Variant
from molt.encoder.errors import NoVariantError
from molt.encoder.host import cores
from molt.encoder.kind import Capability
from molt.encoder.lane import Lane
from molt.encoder.runtimes.runtime import Runtime, load_runtime
from molt.encoder.scheduler import Scheduler
from molt.encoder.selection import AUTO, choose
from molt.encoder.tokenizer import Tokenizer

__all__ = ["Encoded", "Encoder", "InputType", "Lane", "TokenVectors", "open_encoder"]

_CACHED_QUERIES = 2048
_PROBE = "warm-up"


@dataclass(frozen=True)
class Encoded:
    """Vectors `(n, dim) float32`, L2-normalised; tokens read of each text `(n,) int32`."""

    vectors: NDArray[np.float32]
    n_tokens: NDArray[np.int32]


@dataclass(frozen=True)
class TokenVectors:
    """The tokens of one text, prompt and special tokens included, as the model saw them.

    `ids` `(length,) int64`; `vectors` `(length, dim) float32`, the last hidden states before
    pooling (of a static embedding the rows of its table), not normalised; `offsets`
    `(length, 2) int64`, where each token stands in the text: its first character and the one after
    its last, both 0 for special tokens and those of the prompt. Under mean pooling, the mean of
    `vectors`, L2-normalised, is the text's vector.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    offsets: NDArray[np.int64]


class Encoder:
    """One checkpoint, loaded. Threads may call it at once; lanes say who waits for whom."""

    def __init__(
        self, checkpoint: Checkpoint, variant: Variant, *, runtime: Runtime, threads: int
    ) -> None:
        self.checkpoint = checkpoint
        self.variant = variant
        self._tokenizer = Tokenizer(
            checkpoint.path / "tokenizer.json", max_length=checkpoint.max_length
        )
        self._runtime = runtime
        self._scheduler = Scheduler(threads)
        self._cache = QueryCache(_CACHED_QUERIES)
        weakref.finalize(self, self._scheduler.stop).atexit = False

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.checkpoint.dimension

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        """Encode `texts`, each put behind the prompt of `input_type`; blocks until done.

        Texts of the background are computed several at once. In the other lanes each is computed
        alone, so that equal texts have equal vectors whatever came with them.
        Raises `ClosedEncoderError` once the encoder is closed, and `NoVariantError` where the graph
        makes vectors of another dimension than the checkpoint's.
        """
        if lane is Lane.QUERY:
            return self._encode_cached(texts, input_type)
        return self._encode(texts, input_type, lane)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors `(n, dim) float32` in the background: no query waits for more than a batch."""
        return self.encode(texts, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND).vectors

    def encode_tokens(
        self, texts: Sequence[str], *, input_type: InputType, lane: Lane
    ) -> list[TokenVectors]:
        """The tokens of each text, put behind the prompt of `input_type`; blocks as `encode` does.

        Nothing of it is cached. Raises `MissingCapabilityError` where the checkpoint has no token
        vectors, and what `encode` raises.
        """
        self.checkpoint.require(Capability.TOKENS)
        prompt = self.checkpoint.prompts.of(input_type)
        read = self._tokenizer.read([prompt + text for text in texts])
        batches = _batches([each.ids for each in read], lane)
        parts = self._scheduler.run(
            [partial(self._compute_tokens, batch) for batch in batches], lane=lane
        )
        states = {
            row: part[at]
            for batch, part in zip(batches, parts, strict=True)
            for at, row in enumerate(batch.rows)
        }
        return [
            TokenVectors(
                ids=each.ids,
                vectors=states[row][: len(each.ids)].copy(),
                offsets=np.maximum(each.offsets - len(prompt), 0),
            )
            for row, each in enumerate(read)
        ]

    def check(self) -> None:
        """Encode a text and the last token there is. Raises `NoVariantError` where that fails."""
        if not np.isfinite(self.embed_documents([_PROBE])).all():
            raise self._unusable("makes vectors with values that are not finite numbers")
        last = np.array([[self._tokenizer.last_id]], dtype=np.int64)
        try:
            vectors = self._runtime.run(last, np.ones_like(last))
        except Exception as error:
            known = f"knows fewer tokens than its tokenizer, which goes up to {last.item()}"
            raise self._unusable(f"{known} ({error})") from error
        if not np.isfinite(vectors).all():
            raise self._unusable(f"has no vector for token {last.item()} of its tokenizer")
        if Capability.TOKENS in self.checkpoint.capabilities:
            self._check_tokens()

    def _check_tokens(self) -> None:
        (tokens,) = self.encode_tokens(
            [_PROBE], input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND
        )
        if not np.isfinite(tokens.vectors).all():
            raise self._unusable("makes token vectors with values that are not finite numbers")

    def close(self) -> None:
        """End the threads; calls that still wait raise `ClosedEncoderError`."""
        self._scheduler.close()

    def _encode_cached(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        known = {text: hit for text in texts if (hit := self._cache.get(text, input_type))}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        encoded = self._encode(missing, input_type, Lane.QUERY)
        for row, text in enumerate(missing):
            known[text] = CachedText(encoded.vectors[row], n_tokens=int(encoded.n_tokens[row]))
            self._cache.put(text, input_type, known[text])
        found = [known[text] for text in texts]
        return Encoded(
            vectors=np.array([entry.vector for entry in found], dtype=np.float32).reshape(
                len(texts), self.dimension
            ),
            n_tokens=np.array([entry.n_tokens for entry in found], dtype=np.int32),
        )

    def _encode(self, texts: Sequence[str], input_type: InputType, lane: Lane) -> Encoded:
        prompt = self.checkpoint.prompts.of(input_type)
        tokens = self._tokenizer.encode([prompt + text for text in texts])
        batches = _batches(tokens, lane)
        parts = self._scheduler.run([partial(self._compute, batch) for batch in batches], lane=lane)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch, part in zip(batches, parts, strict=True):
            vectors[list(batch.rows)] = part
        n_tokens = np.array([len(ids) for ids in tokens], dtype=np.int32)
        return Encoded(vectors=vectors, n_tokens=n_tokens)

    def _compute(self, batch: MicroBatch) -> NDArray[np.float32]:
        vectors = self._runtime.run(batch.input_ids, batch.attention_mask)
        if vectors.shape != (len(batch.rows), self.dimension):
            raise self._unusable(
                f"makes vectors of shape {vectors.shape[1:]}, not of the {self.dimension} numbers "
                "that its manifest promises"
            )
        return vectors

    def _compute_tokens(self, batch: MicroBatch) -> NDArray[np.float32]:
        vectors = self._runtime.run_tokens(batch.input_ids, batch.attention_mask)
        if vectors.shape != (*batch.input_ids.shape, self.dimension):
            raise self._unusable(
                f"makes token vectors of shape {vectors.shape}, not "
                f"{(*batch.input_ids.shape, self.dimension)}"
            )
        return vectors

    def _unusable(self, why: str) -> NoVariantError:
        return NoVariantError(
            f"variant {self.variant.name} of checkpoint {self.checkpoint.id} {why}; do not use it"
        )


def _batches(tokens: Sequence[NDArray[np.int64]], lane: Lane) -> list[MicroBatch]:
    return packed(tokens) if lane is Lane.BACKGROUND else singles(tokens)


def open_encoder(
    checkpoint: Checkpoint, *, cache: Path, runtime: str = AUTO, threads: int = 0
) -> Encoder:
    """Load a checkpoint to serve on `threads` threads (0: one per core).

    `runtime` is the name of a variant, or "auto" for the fastest inside the quality budget on
    this host. `cache` is a directory that may be deleted at any time. Raises `NoVariantError`, also
    where texts turn out not to be encodable, and `MissingCapabilityError` where the model makes no
    vectors of texts.
    """
    checkpoint.require(Capability.EMBED)
    threads = threads or cores()
    variant = choose(checkpoint, cache=cache, wanted=runtime)
    loaded = load_runtime(checkpoint, variant, threads=threads, cache=cache)
    encoder = Encoder(checkpoint, variant, runtime=loaded, threads=threads)
    try:
        encoder.check()
    except NoVariantError:
        encoder.close()
        raise
    return encoder
