"""The tokenizer: text to token ids, never padded, never longer than the checkpoint's limit.

Any string is taken: an empty one, one of a million characters, one with lone surrogates (each
becomes U+FFFD, as a strict reader of UTF-16 would have it).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding
from tokenizers import Tokenizer as FastTokenizer

from molt.artifact import PanicError, panics_contained
from molt.encoder.errors import UnreadableTextError, UnsafeCheckpointError
from molt.encoder.tokens import (
    PairIds,
    ReadText,
    Token,
    TokenIds,
    kept_ids,
    paired_ids,
    read_text,
    starts_of,
    tokens_of,
    well_formed,
)

# Characters read at once, per token that can be kept: few texts need a second look.
_WINDOW_PER_TOKEN = 12
_CHUNK = 64
_WINDOW = re.compile(r".{1,20000}(?:\s|\Z)|.{1,20000}", re.DOTALL)
"""Parts of a text, cut between words: what a tokenizer returns is a hundred times larger."""

_EncodeBatch = Callable[[list[str]], list[Encoding]]
_Encode = Callable[[str], Encoding]


class Tokenizer:
    """Reads texts as the checkpoint's model was trained to; thread-safe."""

    def __init__(self, path: Path, *, max_length: int) -> None:
        try:
            with panics_contained():
                self._fast = FastTokenizer.from_file(str(path))
        except Exception as error:
            raise UnsafeCheckpointError(path, f"is no tokenizer ({error})") from error
        self._fast.no_padding()
        self._fast.enable_truncation(max_length)
        self._window = _WINDOW_PER_TOKEN * max(1, max_length)

    @property
    def vocabulary(self) -> int:
        """How many token ids there are."""
        return self._fast.get_vocab_size()

    @property
    def ids(self) -> dict[str, int]:
        """The id of each token, by its spelling."""
        return self._fast.get_vocab()

    @cached_property
    def last_id(self) -> int:
        """The greatest token id that a text can have."""
        return max(self.ids.values(), default=0)

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Token ids of each text `(length,) int64`, special tokens included, truncated.

        Raises `UnreadableTextError` where the tokenizer fails.
        """
        return [each.ids for each in self.scan(texts)]

    def scan(self, texts: Sequence[str]) -> list[TokenIds]:
        """The same ids, and whether there were more. Raises as `encode` does."""
        with _failures_told():
            return [
                kept_ids(encoding)
                for chunk in _chunks(texts)
                for encoding in self._encodings(
                    chunk, self._fast.encode_batch_fast, self._fast.encode
                )
            ]

    def read(self, texts: Sequence[str]) -> list[ReadText]:
        """The same tokens, and where in its text each of them stands, which takes longer.

        Raises as `encode` does.
        """
        with _failures_told():
            return [
                read_text(text, encoding)
                for chunk in _chunks(texts)
                for text, encoding in zip(
                    chunk,
                    self._encodings(chunk, self._fast.encode_batch, self._fast.encode),
                    strict=True,
                )
            ]

    def pair(self, query: str, texts: Sequence[str]) -> list[PairIds]:
        """The query before each text; what is longer than the limit loses the end of the longer.

        Raises as `encode` does.
        """
        plainly = (
            partial(self._fast.encode_batch, add_special_tokens=False),
            partial(self._fast.encode, add_special_tokens=False),
        )
        with _failures_told():
            (asked,) = self._encodings([query], *plainly)
            added = self._fast.num_special_tokens_to_add(is_pair=True)
            return [
                paired_ids(asked, encoding, self._fast.post_process(asked, encoding), added=added)
                for chunk in _chunks(texts)
                for encoding in self._encodings(chunk, *plainly)
            ]

    def split(self, text: str) -> list[Token]:
        """Every token of a text, however long it is. Raises as `encode` does."""
        with _failures_told():
            return tokens_of(text, self._fast.encode(well_formed(text)))

    def starts(self, text: str) -> NDArray[np.int64]:
        """Where each token of a text begins, however long it is: `(n,) int64`, ascending.

        Special tokens stand nowhere. Raises as `encode` does.
        """
        with _failures_told():
            found = [
                window.start() + starts_of(window[0], self._fast.encode(well_formed(window[0])))
                for window in _WINDOW.finditer(text)
            ]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def decode(self, ids: Sequence[int], *, skip_special: bool) -> str:
        """The text that tokens make together; ids that no token has are left out.

        Raises as `encode` does.
        """
        with _failures_told():
            return self._fast.decode(ids, skip_special_tokens=skip_special)

    def _encodings(
        self, chunk: Sequence[str], encode_batch: _EncodeBatch, encode: _Encode
    ) -> Iterator[Encoding]:
        texts = [well_formed(text) for text in chunk]
        heads = [text[: self._window] for text in texts]
        for text, encoding in zip(texts, encode_batch(heads), strict=True):
            settled = len(text) <= self._window or _is_settled(encoding)
            yield encoding if settled else self._encode_long(text, encode)

    def _encode_long(self, text: str, encode: _Encode) -> Encoding:
        """Read ever more of `text` until the rest of it cannot change the tokens that are kept."""
        window = self._window
        while True:
            window *= 4
            encoding = encode(text[:window])
            if window >= len(text) or _is_settled(encoding):
                return encoding


@contextmanager
def _failures_told() -> Iterator[None]:
    """Tell that the tokenizer failed, and not of what: that may quote the text."""
    try:
        with panics_contained():
            yield
    except (MemoryError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  raised again as ours, without what it says
        how = "panics" if isinstance(error, PanicError) else f"raises {type(error).__name__}"
        raise UnreadableTextError(
            f"its tokenizer fails at a text (it {how}); another text or another checkpoint helps"
        ) from None


def _is_settled(encoding: Encoding) -> bool:
    """Whether more text could not change these tokens.

    A tokenizer splits text into words and each word into tokens. Text that was cut off can change
    the last word that was read, hence only tokens of earlier words are certain.
    """
    if not encoding.overflowing:
        return False
    return _last_word(encoding) < _last_word(encoding.overflowing[-1])


def _last_word(encoding: Encoding) -> int:
    return max((word for word in encoding.word_ids if word is not None), default=-1)


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Few at a time: what a tokenizer returns is a hundred times larger than the ids in it."""
    return (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
