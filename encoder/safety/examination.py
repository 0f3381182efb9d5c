"""Examination: whether an encoder that was opened does what its checkpoint promises.

`check_encoder` takes milliseconds and is made whenever one is opened; `examine` takes a second, and
may take for ever, so it is made in a child process alone.
"""

import logging
import string
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import InputType
from molt.encoder.errors import DefectiveCheckpointError, NoVariantError, UnsoundVectorsError
from molt.encoder.kind import Capability
from molt.encoder.safety.fidelity import Fidelity
from molt.encoder.safety.forward import PlainModel, UnknownModelKindError
from molt.encoder.safety.reference import Reference, least_cosine
from molt.encoder.scheduling.lane import Lane

if TYPE_CHECKING:
    from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
    from molt.encoder.encoder import Encoder

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_TEXT = "warm-up"
_ODD = ("é", "e\u0301", "日本語", "😀", "\u200b", "\ufdfa", "\u00ad", "ﬃ", "a ", "a.", "aA1")
_ODD_LENGTH = 4096
_ROW = 128
_SAMPLING_SECONDS = 1.5  # of a small graph that is time for every token
_REPEATED = 1e-3
_LEAST_TO_WEIGHTS = 0.9  # of arbitrary tokens, which int8 was not measured with


def check_encoder(encoder: "Encoder", references: Sequence[Reference]) -> None:
    """Encode a few texts and the last token there is.

    Raises `NoVariantError` where that fails, and where a text has another vector than the one
    recorded in `references`.
    """
    texts = [_TEXT, *(reference.text for reference in references)]
    vectors = required(lambda: encoder.embed_documents(texts))
    _check_last_token(encoder)
    if Capability.TOKENS in encoder.checkpoint.capabilities:
        _check_tokens(encoder)
    for vector, reference in zip(vectors[1:], references, strict=True):
        _compare(encoder, vector, reference)


def _compare(encoder: "Encoder", vector: NDArray[np.float32], reference: Reference) -> None:
    fidelity = encoder.variant.fidelity
    if not isinstance(fidelity, Fidelity):
        raise unfit(encoder, "was not measured as what makes vectors is")
    least = least_cosine(fidelity.cosine_min)
    try:
        cosine = float(vector @ reference.values())
    except ValueError as error:
        raise unfit(encoder, f"has a reference that is no vector ({error})") from error
    if not cosine >= least:
        raise unfit(
            encoder,
            f"makes another vector of {reference.text[:30]!r}… than its model does: their cosine "
            f"is {cosine:.3f}, where its measured fidelity allows {least:.3f}",
        )


def _check_last_token(encoder: "Encoder") -> None:
    last = encoder.last_id
    try:
        encoder.embed_ids(np.array([[last]], dtype=np.int64))
    except UnsoundVectorsError as error:
        raise unfit(encoder, f"has no vector for token {last} of its tokenizer") from error
    except DefectiveCheckpointError as error:
        known = f"knows fewer tokens than its tokenizer, which goes up to {last}"
        raise unfit(encoder, f"{known} ({error})") from error


def _check_tokens(encoder: "Encoder") -> None:
    (tokens,) = required(
        lambda: encoder.encode_tokens([_TEXT], input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND)
    )
    if not np.isfinite(tokens.vectors).all():
        raise unfit(encoder, "makes token vectors with values that are not finite numbers")


def required(encode: Callable[[], _T]) -> _T:
    """What `encode` gives. Raises `NoVariantError` where the checkpoint fails at it."""
    try:
        return encode()
    except DefectiveCheckpointError as error:
        raise NoVariantError(str(error)) from error


def unfit(encoder: "Encoder | CrossEncoder", why: str) -> NoVariantError:
    """Why the variant that was opened must not serve."""
    variant, checkpoint = encoder.variant.name, encoder.checkpoint.id
    return NoVariantError(f"variant {variant} of checkpoint {checkpoint} {why}; do not use it")


def examine(encoder: "Encoder", *, searched: Sequence[str]) -> None:
    """Encode what may go wrong: odd texts, the longest one, and tokens of every kind.

    `searched` are texts that the tokenizer's own rules look for. Raises `NoVariantError`.
    """
    for text in odd_texts(searched):
        required(partial(encoder.read_tokens, [text]))
    for ids in id_batches(encoder.last_id + 1, encoder.checkpoint.max_length):
        first, again = (required(partial(encoder.embed_ids, ids)) for _ in range(2))
        if not np.allclose(first, again, atol=_REPEATED):
            raise unfit(encoder, "makes other vectors of the same tokens each time")


def compare_with_weights(encoder: "Encoder") -> None:
    """Compare what a graph makes of token ids with what the model's weights make of them.

    An id vouches for weights alone; the ids of tokens are drawn anew each time. Says nothing of an
    architecture that `forward` does not compute. Raises `NoVariantError`.
    """
    checkpoint = encoder.checkpoint
    try:
        model = PlainModel(checkpoint.path)
        for ids in unforeseen_ids(encoder.last_id + 1, checkpoint.max_length):
            expected = model.vector(ids, pooling=checkpoint.pooling)
            (found,) = required(partial(encoder.embed_ids, ids[None, :]))
            cosine = float(found @ expected)
            if not cosine >= _LEAST_TO_WEIGHTS:
                raise unfit(
                    encoder,
                    "does not compute what the checkpoint's weights do: a vector has the cosine "
                    f"{cosine:.3f} to theirs",
                )
    except UnknownModelKindError as error:
        log.info("the weights of %s are not compared: %s", checkpoint.id, error)


def unforeseen_ids(vocabulary: int, longest: int) -> Iterator[NDArray[np.int64]]:
    """Token ids `(length,)` of texts that nobody has foreseen."""
    random = np.random.default_rng()
    for length in (2, 7, 19, 48):
        yield random.integers(0, vocabulary, min(length, longest))


def odd_texts(searched: Sequence[str]) -> Iterator[str]:
    """Each character many times over: what multiplies a text, or tries all ways to read it."""
    for part in (*string.printable, *_ODD, *searched):
        yield (part * (_ODD_LENGTH // len(part) + 1))[:_ODD_LENGTH]


def id_batches(vocabulary: int, longest: int) -> Iterator[NDArray[np.int64]]:
    """Token ids `(n, length)`, in the end as many of all as there is time for.

    Nobody can foresee which, so nothing can be prepared for them.
    """
    random = np.random.default_rng()
    yield random.integers(0, vocabulary, (1, longest))
    yield random.integers(0, vocabulary, (3, 1))
    every = random.permutation(vocabulary)
    length = min(longest, _ROW)
    until = time.monotonic() + _SAMPLING_SECONDS
    for start in range(0, vocabulary, length):
        if start and time.monotonic() > until:
            return
        yield every[None, start : start + length]
