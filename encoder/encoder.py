"""The encoder: texts in, vectors out, shared by every thread of a service.

How one is opened is `opening`'s.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from molt.encoder.cache import CachedText, QueryCache
from molt.encoder.checkpoint import Checkpoint, InputType, Variant
from molt.encoder.kind import Capability
from molt.encoder.runtimes.runtime import Runtime
from molt.encoder.scheduling.batching import MicroBatch
from molt.encoder.scheduling.lane import Lane
from molt.encoder.scheduling.shared_model import SharedModel, batches_of
from molt.encoder.tokens import Token

__all__ = ["Encoded", "Encoder", "InputType", "Lane", "TokenVectors"]

_CACHED_QUERIES = 2048


@dataclass(frozen=True)
class Encoded:
    """Vectors `(n, dim) float32`, L2-normalised; tokens read of each text `(n,) int32`.

    `truncated` `(n,) bool` tells of which texts the end was not read.
    """

    vectors: NDArray[np.float32]
    n_tokens: NDArray[np.int32]
    truncated: NDArray[np.bool_]


@dataclass(frozen=True)
class TokenVectors:
    """The tokens of one text, prompt and special tokens included, as the model saw them.

    `ids` `(length,) int64`; `vectors` `(length, dim) float32`, the last hidden states before
    pooling (of a static embedding the rows of its table), not normalised; `offsets`
    `(length, 2) int64`, where each token stands in the text: its first character and the one after
    its last, both 0 for special tokens and those of the prompt. Under mean pooling, the mean of
    `vectors`, L2-normalised, is the text's vector. `truncated` where the text has more tokens.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    offsets: NDArray[np.int64]
    truncated: bool = False


class Encoder(SharedModel):
    """One checkpoint, loaded. Threads may call it at once; lanes say who waits for whom.

    What takes longer than `seconds` for a text, and ten times that in the background, is given up.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        variant: Variant,
        *,
        runtime: Runtime,
        threads: int,
        seconds: float = math.inf,
    ) -> None:
        super().__init__(checkpoint, variant, runtime=runtime, threads=threads, seconds=seconds)
        self._cache = QueryCache(_CACHED_QUERIES)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.checkpoint.dimension

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """The id of each token, by how the tokenizer spells it."""
        return self._model.tokenizer.ids

    @property
    def overhead(self) -> int:
        """How many tokens a document has beside its own: special ones, and those of its prompt."""
        prompt = self.checkpoint.prompts.of(InputType.DOCUMENT)
        return len(self._model.tokenizer.encode([prompt])[0])

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        """Encode `texts`, each put behind the prompt of `input_type`; blocks until done.

        Texts of the background are computed several at once. In the other lanes each is computed
        alone, so that equal texts have equal vectors whatever came with them.
        Raises `ClosedEncoderError` once the encoder is closed, `NoVariantError` where the graph
        makes vectors of another dimension than the checkpoint's, and `DefectiveCheckpointError`
        where it fails, makes vectors that are not finite or not of length 1, or does not end.
        """
        self._model.require_responsive()
        if lane is Lane.QUERY:
            return self._encode_cached(texts, input_type, lane)
        return self._encode(texts, input_type, lane)

    def prepare(self, texts: Sequence[str]) -> None:
        """Encode queries that are about to come, so that each is known when it does.

        Single queries do not wait for them. Raises as `encode` does.
        """
        self._model.require_responsive()
        self._encode_cached(texts, InputType.QUERY, Lane.INTERACTIVE)

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
        self._model.require_responsive()
        read = self._each_read(self._model.read, [prompt + text for text in texts], lane)
        batches = batches_of([each.ids for each in read], lane)
        parts = self._scheduler.run(
            [partial(self._model.token_vectors, batch, lane) for batch in batches], lane=lane
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
                truncated=each.truncated,
            )
            for row, each in enumerate(read)
        ]

    def embed_ids(self, input_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors `(n, dim) float32` of token ids `(n, length) int64`, for who examines a graph.

        Raises as `encode` does.
        """
        batch = MicroBatch(tuple(range(len(input_ids))), input_ids, np.ones_like(input_ids))
        compute = partial(self._model.vectors, batch, Lane.BACKGROUND)
        return self._scheduler.run([compute], lane=Lane.BACKGROUND)[0]

    def read_tokens(self, texts: Sequence[str]) -> None:
        """Find the tokens of each text and nothing else, for who examines a tokenizer."""
        self._each_read(self._model.read_ids, texts, Lane.BACKGROUND)

    def are_truncated(self, texts: Sequence[str], *, input_type: InputType) -> list[bool]:
        """Would the end of each text not be read? Raises as `encode` does."""
        prompt = self.checkpoint.prompts.of(input_type)
        self._model.require_responsive()
        read = self._each_read(
            self._model.read_ids, [prompt + text for text in texts], Lane.INTERACTIVE
        )
        return [each.truncated for each in read]

    def split(self, texts: Sequence[str]) -> list[list[Token]]:
        """Every token of each text, also those beyond what is read. Raises as `encode` does."""
        self._model.require_responsive()
        return self._each_read(self._model.split, texts, Lane.INTERACTIVE)

    def token_starts(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Where every token of each text begins, `(n,) int64`, also beyond what is read.

        In the background. Raises as `encode` does.
        """
        self._model.require_responsive()
        return self._each_read(self._model.token_starts, texts, Lane.BACKGROUND)

    def decode(self, ids: Sequence[Sequence[int]], *, skip_special: bool) -> list[str]:
        """The texts that tokens make together. Raises as `encode` does."""
        self._model.require_responsive()
        return self._model.decode(ids, Lane.INTERACTIVE, skip_special=skip_special)

    def _encode_cached(self, texts: Sequence[str], input_type: InputType, lane: Lane) -> Encoded:
        known = {text: hit for text in texts if (hit := self._cache.get(text, input_type))}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        encoded = self._encode(missing, input_type, lane)
        for row, text in enumerate(missing):
            known[text] = CachedText(
                encoded.vectors[row],
                n_tokens=int(encoded.n_tokens[row]),
                truncated=bool(encoded.truncated[row]),
            )
            self._cache.put(text, input_type, known[text])
        found = [known[text] for text in texts]
        return Encoded(
            vectors=np.array([entry.vector for entry in found], dtype=np.float32).reshape(
                len(texts), self.dimension
            ),
            n_tokens=np.array([entry.n_tokens for entry in found], dtype=np.int32),
            truncated=np.array([entry.truncated for entry in found], dtype=np.bool_),
        )

    def _encode(self, texts: Sequence[str], input_type: InputType, lane: Lane) -> Encoded:
        prompt = self.checkpoint.prompts.of(input_type)
        read = self._each_read(self._model.read_ids, [prompt + text for text in texts], lane)
        batches = batches_of([each.ids for each in read], lane)
        parts = self._scheduler.run(
            [partial(self._model.vectors, batch, lane) for batch in batches], lane=lane
        )
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch, part in zip(batches, parts, strict=True):
            vectors[list(batch.rows)] = part
        return Encoded(
            vectors=vectors,
            n_tokens=np.array([len(each.ids) for each in read], dtype=np.int32),
            truncated=np.array([each.truncated for each in read], dtype=np.bool_),
        )
