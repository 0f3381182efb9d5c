"""The frames of SQLite's write-ahead log: which is the first that is damaged?

The format and its checksum: https://www.sqlite.org/fileformat2.html, section 4. Reads no file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from molt.index.catalog.storage.wal import HEADER

_FRAME = 24
_MAGIC = 0x377F0682
_PAGES = frozenset(1 << power for power in range(9, 17))
_WORD = np.uint32
_Sum = tuple[int, int]
_Pairs = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Log:
    """A log with a sound header: `order` of the bytes that are summed, `salts` of its frames."""

    content: bytes
    order: str
    page: int
    salts: bytes
    begin: _Sum

    @property
    def frames(self) -> int:
        """How many whole frames there are."""
        return (len(self.content) - HEADER) // (_FRAME + self.page)

    def broken_frame(self) -> int | None:
        """The number of the first frame that is damaged, from 1; None where none is."""
        before = self.begin
        for number in range(self.frames):
            head, body = self._frame(number)
            stored = struct.unpack(">II", head[16:24])
            made = self._summed(before, head, body)
            if stored == made and head[8:16] == self.salts:
                before = made
                continue
            return number + 1 if self._is_damage(number, before, stored, made) else None
        return None

    def _is_damage(self, number: int, before: _Sum, stored: _Sum, made: _Sum) -> bool:
        """Or is it where the log ends?"""
        head, body = self._frame(number)
        if stored == made:
            return True  # of this log, but for the salts, which no checksum covers
        if number + 1 < self.frames:
            after, text = self._frame(number + 1)
            said = struct.unpack(">II", after[16:24])
            goes_on = any(self._summed(one, after, text) == said for one in (stored, made))
            if goes_on and after[8:16] == self.salts:
                return True
        if head[8:16] != self.salts:
            return False
        pairs = _pairs(head[:8] + body, self.order)
        return _is_one_bit(stored, made) or _differs_by_one_bit(pairs, before, stored)

    def _frame(self, number: int) -> tuple[bytes, bytes]:
        start = HEADER + number * (_FRAME + self.page)
        return (
            self.content[start : start + _FRAME],
            self.content[start + _FRAME : start + _FRAME + self.page],
        )

    def _summed(self, before: _Sum, head: bytes, body: bytes) -> _Sum:
        return _checksum(_pairs(head[:8] + body, self.order), before)


def read_log(content: bytes) -> Log | None:
    """A log, or None where its header is damaged."""
    magic, _version, page = struct.unpack(">III", content[:12])
    stored = struct.unpack(">II", content[24:32])
    order = ">" if magic & 1 else "<"
    if magic | 1 != _MAGIC | 1 or page not in _PAGES:
        return None
    if _checksum(_pairs(content[:24], order), (0, 0)) != stored:
        return None
    return Log(content, order, page, content[16:24], stored)


def _pairs(content: bytes, order: str) -> _Pairs:
    """`(n, 2)` words."""
    return np.frombuffer(content, f"{order}u4").astype(_WORD).reshape(-1, 2)


@cache
def _powers(count: int) -> _Pairs:
    """`(count, 2, 2)`: what each of so many pairs adds to the two sums, the first one first.

    The sums go by s0 += x0 + s1 and s1 += x1 + s0, modulo 2**32: linear in every word.
    """
    made = list(_steps(count))
    return np.array(made[::-1], _WORD)


def _steps(count: int) -> Iterator[list[list[int]]]:
    a, b, c, d = 1, 0, 1, 1  # what the last pair adds
    for _ in range(count):
        yield [[a, b], [c, d]]
        a, b, c, d = (n & 0xFFFFFFFF for n in (a + c, b + d, a + 2 * c, b + 2 * d))


@cache
def _carried(count: int) -> tuple[int, int, int, int]:
    """What the sums before so many pairs become of them: a matrix, row by row."""
    a, b, c, d = 1, 0, 0, 1
    for _ in range(count):
        a, b, c, d = (n & 0xFFFFFFFF for n in (a + c, b + d, a + 2 * c, b + 2 * d))
    return a, b, c, d


def _checksum(pairs: _Pairs, before: _Sum) -> _Sum:
    a, b, c, d = _carried(len(pairs))
    added = (_powers(len(pairs)) * pairs[:, None, :]).sum(axis=(0, 2), dtype=_WORD)
    first = a * before[0] + b * before[1] + int(added[0])
    second = c * before[0] + d * before[1] + int(added[1])
    return first & 0xFFFFFFFF, second & 0xFFFFFFFF


def _is_one_bit(stored: _Sum, made: _Sum) -> bool:
    """Is it the checksum itself that lost a bit?"""
    return sum((left ^ right).bit_count() for left, right in zip(stored, made, strict=True)) == 1


def _differs_by_one_bit(pairs: _Pairs, before: _Sum, stored: _Sum) -> bool:
    """Would the checksum be right if one bit of the frame were another?"""
    made = _checksum(pairs, before)
    wanted = np.array([(stored[at] - made[at]) & 0xFFFFFFFF for at in (0, 1)], _WORD)
    powers = _powers(len(pairs))
    for bit in range(32):
        unit = _WORD(1 << bit)
        more = np.where(pairs & unit, _WORD(2**32 - (1 << bit)), unit)  # when that bit is flipped
        if (powers * more[:, None, :] == wanted[:, None]).all(axis=1).any():
            return True
    return False
