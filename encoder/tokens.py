"""Tokens: what a tokenizer makes of texts, and where in them each stands.

Places are those of the text as it was given, which may have pairs of surrogates.
"""

import re
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_CHARACTER = re.compile(rf"{_PAIR.pattern}|.", re.DOTALL)


@dataclass(frozen=True)
class TokenIds:
    """Token ids `(length,) int64`; `truncated` where the text had more of them."""

    ids: NDArray[np.int64]
    truncated: bool


@dataclass(frozen=True)
class ReadText(TokenIds):
    """The same, and where each token stands: `(length, 2) int64`.

    A place is the first character and the one after the last; that of a special token is `(0, 0)`.
    """

    offsets: NDArray[np.int64]


@dataclass(frozen=True)
class PairIds:
    """Ids of a query and a text together, and which of the two each belongs to `(length,) int64`.

    `truncated` where the end of the text was cut off, `query_truncated` where that of the query.
    """

    ids: NDArray[np.int64]
    types: NDArray[np.int64]
    truncated: bool
    query_truncated: bool


@dataclass(frozen=True)
class Token:
    """A token of a text, which stands from `start` to `stop`; a special one stands nowhere."""

    id: int
    text: str
    special: bool
    start: int
    stop: int


def well_formed(text: str) -> str:
    """The text as UTF-8 can have it: each lone surrogate becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def kept_ids(encoding: Encoding) -> TokenIds:
    """What a tokenizer made of a text."""
    return TokenIds(np.array(encoding.ids, dtype=np.int64), bool(encoding.overflowing))


def read_text(text: str, encoding: Encoding) -> ReadText:
    """What a tokenizer made of a text, with its places."""
    read = kept_ids(encoding)
    return ReadText(read.ids, read.truncated, _in_original(text, _offsets(encoding)))


def paired_ids(query: Encoding, text: Encoding, pair: Encoding, *, added: int) -> PairIds:
    """What became of a query and a text that were read alone, with `added` special tokens."""
    kept = pair.sequence_ids.count(1)
    kept_of_query = len(pair.ids) - added - kept
    return PairIds(
        np.array(pair.ids, dtype=np.int64),
        np.array(pair.type_ids, dtype=np.int64),
        truncated=bool(text.overflowing) or kept < len(text.ids),
        query_truncated=bool(query.overflowing) or kept_of_query < len(query.ids),
    )


def tokens_of(text: str, encoding: Encoding) -> list[Token]:
    """The tokens of an encoding and of what overflowed, between its special tokens."""
    parts = [_part(text, each) for each in (encoding, *encoding.overflowing)]
    first = parts[0]
    ordinary = [token for part in parts for token in part if not token.special]
    if not ordinary:
        return first
    places = [at for at, token in enumerate(first) if not token.special]
    return [*first[: places[0]], *ordinary, *first[places[-1] + 1 :]] if places else ordinary


def starts_of(text: str, encoding: Encoding) -> NDArray[np.int64]:
    """Where each ordinary token begins, also of what overflowed: `(n,) int64`."""
    parts = (encoding, *encoding.overflowing)
    offsets = np.concatenate([_offsets(part) for part in parts])
    special = np.concatenate([np.array(part.special_tokens_mask, bool) for part in parts])
    return _in_original(text, offsets[~special])[:, 0]


def _part(text: str, encoding: Encoding) -> list[Token]:
    places = _in_original(text, _offsets(encoding)).tolist()
    marks = map(bool, encoding.special_tokens_mask)
    found = zip(encoding.ids, encoding.tokens, marks, places, strict=True)
    return [
        Token(id_, word if special else text[start:stop], special, start, stop)
        for id_, word, special, (start, stop) in found
    ]


def _offsets(encoding: Encoding) -> NDArray[np.int64]:
    return np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)


def _in_original(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places in `text` of places in its well-formed spelling, where a pair of surrogates is one."""
    if text.isascii() or not _PAIR.search(text):
        return offsets
    widths = [len(found[0]) for found in _CHARACTER.finditer(text)]
    return np.array([0, *accumulate(widths)], dtype=np.int64)[offsets]
