"""Codings: gzip, zstd and deflate, in steps whose output is bounded. Knows no request.

An error in what was packed is a `CodingError`.
"""

import gzip
import zlib
from functools import lru_cache
from typing import Protocol

from backports import zstd

_GZIP, _RAW, _WRAPPED = 31, -15, 15  # what zlib calls its formats
_GZIP_LEVEL = 2
_ZSTD_LEVEL = 3
_WINDOW_LOG = 17  # of a stream that is packed, so that one costs less than a megabyte
_WINDOW_LOG_MAX = 23
ZSTD_WINDOW = 2**_WINDOW_LOG_MAX
"""Bytes that unpacking zstd may hold, as RFC 8878 recommends."""
_LONGEST_HEADER = 200
_TELLING_BYTES = 2


class CodingError(Exception):
    """What claims to be packed is damaged."""


class Unpacker(Protocol):
    """Unpacks a stream step by step."""

    @property
    def is_waiting(self) -> bool:
        """Has it nothing left to say before it is fed again?"""

    @property
    def is_whole(self) -> bool:
        """May the stream end here?"""

    def feed(self, packed: bytes) -> None:
        """Take more of the stream."""

    def step(self, most: int) -> bytes:
        """At most so many bytes of what was fed; perhaps none. Raises `CodingError`."""


class _Inflater:
    """gzip, of any number of members, and deflate, wrapped as in zlib or raw."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = zlib.decompressobj(_GZIP) if gzip else None
        self._left = b""
        self._more = False
        self.is_whole = True

    @property
    def is_waiting(self) -> bool:
        if self._inflate is None:
            return len(self._left) < _TELLING_BYTES
        return not self._left and not self._more

    def feed(self, packed: bytes) -> None:
        self._left += packed
        self.is_whole = self.is_whole and self._inflate is not None

    def step(self, most: int) -> bytes:
        try:
            return self._step(most)
        except zlib.error:
            raise CodingError from None

    def _step(self, most: int) -> bytes:
        if self._inflate is None:
            self._inflate = zlib.decompressobj(_format_of(self._left))
        elif self.is_whole and self._gzip:
            self._inflate = zlib.decompressobj(_GZIP)
        elif self.is_whole:
            raise CodingError  # there is only one of them
        unpacked = self._inflate.decompress(self._left, most)
        self.is_whole = self._inflate.eof
        self._more = len(unpacked) == most and not self.is_whole
        self._left = self._inflate.unused_data if self.is_whole else self._inflate.unconsumed_tail
        return unpacked


def _format_of(start: bytes) -> int:
    """Clients send both as `deflate`; two bytes tell which it is (RFC 1950)."""
    wrapped = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2]) % 31 == 0
    return _WRAPPED if wrapped else _RAW


class _ZstdUnpacker:
    """zstd, of any number of frames."""

    def __init__(self) -> None:
        self._frame = _new_frame()
        self._left = b""
        self.is_whole = True

    @property
    def is_waiting(self) -> bool:
        return not self._left and (self.is_whole or self._frame.needs_input)

    def feed(self, packed: bytes) -> None:
        self._left += packed

    def step(self, most: int) -> bytes:
        if self._frame.eof:
            self._frame = _new_frame()
        try:
            unpacked = self._frame.decompress(self._left, most)
        except zstd.ZstdError:
            raise CodingError from None
        self.is_whole = self._frame.eof
        self._left = self._frame.unused_data if self.is_whole else b""
        return unpacked


def _new_frame() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
    )


UNPACKED = ("gzip", "zstd", "deflate")
"""The codings that a body may have."""


def unpacker_of(coding: str) -> Unpacker | None:
    """What unpacks a coding; None where nothing does."""
    match coding:
        case "gzip" | "x-gzip":
            return _Inflater(gzip=True)
        case "deflate":
            return _Inflater(gzip=False)
        case "zstd":
            return _ZstdUnpacker()
    return None


class Packer(Protocol):
    """Packs a stream piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """What of the packed stream can be said by now."""

    def flush(self) -> bytes:
        """The rest of it."""


def packer_of(coding: str) -> Packer:
    """What packs a stream as `gzip` or `zstd`."""
    if coding == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    level, window = (
        zstd.CompressionParameter.compression_level,
        zstd.CompressionParameter.window_log,
    )
    return zstd.ZstdCompressor(options={level: _ZSTD_LEVEL, window: _WINDOW_LOG})


def packed_whole(content: bytes, coding: str) -> bytes:
    """The whole content as `gzip` or `zstd`."""
    if coding == "gzip":
        return gzip.compress(content, _GZIP_LEVEL, mtime=0)
    return zstd.compress(content, _ZSTD_LEVEL)


def coding_wanted(header: bytes) -> str | None:
    """The coding that an answer to `Accept-Encoding` should have; None for none."""
    return _accepted(header) if len(header) <= _LONGEST_HEADER else None


@lru_cache(maxsize=64)
def _accepted(header: bytes) -> str | None:
    wishes = dict(_wish(one) for one in header.decode("latin-1").lower().split(","))
    other = wishes.get("*", 0.0)
    gzip_wish = max(wishes.get("gzip", other), wishes.get("x-gzip", 0.0))
    best = {"zstd": wishes.get("zstd", 0.0), "gzip": gzip_wish}
    coding = max(best, key=lambda name: best[name])
    return coding if best[coding] > 0 and best[coding] >= wishes.get("identity", 0.0) else None


def _wish(said: str) -> tuple[str, float]:
    name, _, parameter = said.partition(";")
    key, _, value = parameter.partition("=")
    try:
        weight = float(value) if key.strip() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return name.strip(), weight
