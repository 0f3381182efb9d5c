"""The dense part: which words of a query and of a passage make their vectors alike.

Under mean pooling a vector is the mean of its tokens' vectors, divided by its length. The inner
product of two such means is the sum over all pairs of tokens of their inner products, divided by
how many pairs there are and by both lengths: so each pair's share of the score is known exactly.
Pure arithmetic over token vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder.encoder import TokenVectors
from molt.index.lexical.analysis import UNSPACED

MOST_WORDS, MOST_PAIRS = 20, 10
"""So many words of a passage and so many pairs of words are told one by one."""
_TINY = 1e-12


@dataclass(frozen=True)
class TextShare:
    """What the characters `start` to `end` of a text add to a score."""

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class PairShare:
    """What a word of the query and one of the passage add together."""

    query: TextShare
    passage: TextShare
    score: float


@dataclass(frozen=True)
class Side:
    """The shares of one of the two texts: its words, and what is not told of single ones.

    `special` is of tokens that no character stands for, `others` of words that are not told.
    Together they are the score.
    """

    words: tuple[TextShare, ...]
    special: float = 0.0
    others: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return sum(one.score for one in self.words) + self.special + self.others


@dataclass(frozen=True)
class Contributions:
    """The score of a query and a passage, three ways; `pairs` are the greatest alone."""

    query: Side
    passage: Side
    pairs: tuple[PairShare, ...]


def contributions(
    query: TokenVectors,
    query_text: str,
    passage: TokenVectors,
    passage_text: str,
    *,
    most: int | None = MOST_WORDS,
) -> Contributions:
    """Which words make up the cosine of the means of both texts' token vectors.

    Of the passage the `most` that add or take most are told, all of them where it is None.
    """
    shares = _scaled(query.vectors) @ _scaled(passage.vectors).T
    rows, columns = worded_tokens(query, query_text), worded_tokens(passage, passage_text)
    by_word = _summed(_summed(shares, rows).T, columns).T
    asked = [_share(query_text, one, by_word[at].sum()) for at, one in enumerate(rows)]
    said = [_share(passage_text, one, by_word[:, at].sum()) for at, one in enumerate(columns)]
    return Contributions(
        Side(tuple(asked), special=float(by_word[len(rows)].sum())),
        _greatest(said, most, special=float(by_word[:, len(columns)].sum())),
        tuple(_pairs(by_word[: len(rows), : len(columns)], asked, said)),
    )


@dataclass(frozen=True)
class WordTokens:
    """A word of a text: its characters, and which tokens make it up."""

    start: int
    end: int
    tokens: tuple[int, ...]


def worded_tokens(read: TokenVectors, text: str) -> list[WordTokens]:
    """The words of a text as far as it was read; of writing without spaces each token is one."""
    words: list[WordTokens] = []
    for token, (start, end) in enumerate(read.offsets.tolist()):
        if end <= start:
            continue
        last = words[-1] if words else None
        if last is not None and _goes_on(text, last, start):
            words[-1] = WordTokens(last.start, max(end, last.end), (*last.tokens, token))
        else:
            words.append(WordTokens(start, end, (token,)))
    return words


def _goes_on(text: str, word: WordTokens, start: int) -> bool:
    """Does the token that begins there belong to the word before it?"""
    if start != word.end:
        return start < word.end
    before, after = text[start - 1], text[start : start + 1]
    return before.isalnum() and after.isalnum() and not UNSPACED.match(after)


def _scaled(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Token vectors whose sum is the text's vector, of length 1."""
    exact = vectors.astype(np.float64)
    whole = exact.mean(axis=0)
    return np.asarray(exact / (len(exact) * max(float(np.linalg.norm(whole)), _TINY)))


def _summed(shares: NDArray[np.float64], words: Sequence[WordTokens]) -> NDArray[np.float64]:
    """Rows by words in place of tokens; the last is of the tokens that belong to none."""
    summed = np.zeros((len(words) + 1, shares.shape[1]))
    for at, word in enumerate(words):
        summed[at] = shares[list(word.tokens)].sum(axis=0)
    summed[-1] = shares.sum(axis=0) - summed[:-1].sum(axis=0)
    return summed


def _share(text: str, word: WordTokens, score: float) -> TextShare:
    return TextShare(text[word.start : word.end], word.start, word.end, float(score))


def _greatest(words: Sequence[TextShare], most: int | None, *, special: float) -> Side:
    """The words that add or take most, in their order."""
    told = sorted(sorted(words, key=lambda one: -abs(one.score))[:most], key=_place)
    others = sum(one.score for one in words) - sum(one.score for one in told)
    return Side(tuple(told), special, others)


def _place(share: TextShare) -> int:
    return share.start


def _pairs(
    shares: NDArray[np.float64], asked: Sequence[TextShare], said: Sequence[TextShare]
) -> Iterator[PairShare]:
    flat = shares.ravel()
    for place in np.argsort(-flat, kind="stable")[:MOST_PAIRS].tolist():
        row, column = divmod(place, shares.shape[1])
        yield PairShare(asked[row], said[column], float(flat[place]))
