"""Mutations: bytes like those of a seed, damaged in a few places."""

from collections.abc import Callable, Sequence
from random import Random

LONGEST = 64 * 1024
_TELLING = [
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"]" * 40,
    b"[" * 2000,
    b"\n",
    b"\r",
    b",",
    b":",
    b"-",
    b"1e400",
    b"NaN",
    b"null",
    b"9" * 30,
    b"\\ud800",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
]


def mutated(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after one to eight changes."""
    content = random.choice(seeds)
    for _ in range(random.randint(1, 8)):
        content = random.choice(_CHANGES)(random, content, seeds)
    return content[:LONGEST]


def _flip(random: Random, content: bytes, _seeds: Sequence[bytes]) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(random: Random, content: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = random.randint(0, len(content))
    return content[:start] + content[start + random.randint(0, 64) :]


def _end_early(random: Random, content: bytes, _seeds: Sequence[bytes]) -> bytes:
    return content[: random.randint(0, len(content))]


def _insert(random: Random, content: bytes, _seeds: Sequence[bytes]) -> bytes:
    at = random.randint(0, len(content))
    piece = random.choice(_TELLING) if random.random() < 0.7 else random.randbytes(8)
    return content[:at] + piece + content[at:]


def _repeat(random: Random, content: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = random.randint(0, len(content))
    piece = content[start : start + random.randint(1, 64)]
    return content[:start] + piece * random.randint(2, 50) + content[start:]


def _splice(random: Random, content: bytes, seeds: Sequence[bytes]) -> bytes:
    other = random.choice(seeds)
    return content[: random.randint(0, len(content))] + other[random.randint(0, len(other)) :]


_CHANGES: Sequence[Callable[[Random, bytes, Sequence[bytes]], bytes]] = (
    _flip,
    _cut,
    _end_early,
    _insert,
    _repeat,
    _splice,
)
