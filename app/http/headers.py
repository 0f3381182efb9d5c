"""Headers as they came, looked up where every request does: a mapping would cost each time."""

from collections.abc import Iterable

RawHeaders = Iterable[tuple[bytes, bytes]]
"""Names, in small letters, and values, as ASGI has them."""


def header_of(headers: RawHeaders, wanted: bytes) -> bytes:
    """The first value of the header that is called `wanted`; empty where there is none."""
    for name, value in headers:
        if name == wanted:
            return value
    return b""
