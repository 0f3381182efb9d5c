"""Prefixes: texts found by how they begin, or one of their words does. Immutable.

Texts are compared without accents, capitals and punctuation. A sorted list of what every text has
from each of its first words on; what begins with a prefix is one run of it, found by bisection.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.column import TextColumn

COMPARED = 64
"""So many characters of a prefix are compared, from each word on."""
_WORDS = 8
"""Words that a text is found by."""
_LATER = 1 << 32


@dataclass(frozen=True)
class WeighedTexts:
    """Texts `(n,)`, and what each is worth `(n,) int64`: of equal matches more comes first."""

    texts: Sequence[str]
    weights: Sequence[int]


class PrefixIndex:
    """What begins with a prefix; texts that are folded alike are the caller's to join."""

    def __init__(self, found: WeighedTexts) -> None:
        folded = folded_texts(found.texts)
        standing = _standing(folded, np.asarray(found.weights, np.int64))
        words = folded.str.split(" ")
        tails, places, ranks = [], [], []
        every = np.arange(len(folded), dtype=np.int64)
        for word in range(_WORDS):
            kept = (words.list.len() > word).to_numpy() & (folded != "").to_numpy()
            own = every[kept]
            tail = words.filter(pl.Series(kept)).list.slice(word).list.join(" ")
            tails.append(tail.str.slice(0, COMPARED))
            places.append(own)
            ranks.append(standing[own] + (_LATER if word else 0))
        text = pl.concat(tails)
        order = text.arg_sort().to_numpy()
        self._tails = TextColumn(text[order], slice(0, len(text)))
        self._places = np.concatenate(places)[order].astype(np.int32)
        self._ranks = np.concatenate(ranks)[order]

    def find(self, prefix: str, *, k: int) -> list[int]:
        """The places of the `k` best texts, each once.

        First those that begin with the prefix themselves; then more weight goes before less, and
        short before long. None for a prefix of punctuation alone.
        """
        wanted = folded_texts([prefix])[0]
        if not wanted:
            return []
        if prefix[-1:].isspace():
            wanted += " "
        start, stop = self._tails.beginning(wanted[:COMPARED])
        ranks, places = self._ranks[start:stop], self._places[start:stop]
        most = _WORDS * k  # a text may be there once for each of its words
        if len(ranks) > most:
            best = np.argpartition(ranks, most)[:most]
            ranks, places = ranks[best], places[best]
        return list(dict.fromkeys(places[np.argsort(ranks)].tolist()))[:k]


def folded_texts(texts: Sequence[str]) -> pl.Series:
    """Texts as they are compared: letters and digits without accents, small, single blanks.

    Compatibility decomposition (Unicode Annex 15, NFKD) without its marks.
    """
    return (
        pl.Series(texts, dtype=pl.String)
        .str.slice(0, 4 * COMPARED)
        .str.normalize("NFKD")
        .str.replace_all(r"\p{M}+", "")
        .str.to_lowercase()
        .str.replace_all(r"[^\p{L}\p{N}]+", " ")
        .str.strip_chars(" ")
    )


def _standing(folded: pl.Series, weights: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of each text in the order of all: by falling weight, by length, by letters."""
    frame = pl.DataFrame({"text": folded, "weight": -weights})
    order = frame.select(
        pl.arg_sort_by("weight", pl.col("text").str.len_chars(), "text")
    ).to_series()
    standing = np.empty(len(folded), np.int64)
    standing[order.to_numpy()] = np.arange(len(folded))
    return standing
