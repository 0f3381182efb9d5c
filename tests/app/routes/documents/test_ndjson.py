"""Lines out of pieces, however small these are."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from molt.app.routes.documents.ndjson import _Lines
from tests.app.serving import serving

MIB = 2**20
TEXT = b"first\n\nsecond\n \nthird"


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, len(TEXT), size):
        yield TEXT[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 100])
def test_lines_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    lines = _Lines(limit=100)
    found = [line for piece in pieces(size) for line in lines.whole(piece)]
    assert [*found, *lines.rest()] == [(1, b"first"), (3, b"second"), (5, b"third")]


def test_a_line_in_small_pieces_is_put_together_once() -> None:
    """Else each piece would be copied with all that came before it, thousands of times."""
    lines, large = _Lines(limit=10 * MIB), b"x" * (4 * MIB)
    tracemalloc.start()
    try:
        assert list(lines.whole(large)) == []
        for _ in range(100):
            assert list(lines.whole(b"yz")) == []
        _, peak = tracemalloc.get_traced_memory()
        assert peak < MIB
    finally:
        tracemalloc.stop()
    assert list(lines.whole(b"\n")) == [(1, large + b"yz" * 100)]


def test_a_line_beyond_the_limit_is_known_before_it_ends() -> None:
    lines = _Lines(limit=10)
    assert list(lines.whole(b"x" * 10)) == []
    assert not lines.are_over
    assert list(lines.whole(b"x")) == []
    assert lines.are_over


def test_of_a_body_whose_line_is_too_long_no_more_is_read(tmp_path: Path) -> None:
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        assert read < 100
        return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with serving(tmp_path, limits={"max_ndjson_line_bytes": 10_000}) as client:
        client.post("/collections", json={"name": "default"})
        headers = [(b"host", b"localhost"), (b"content-type", b"application/x-ndjson")]
        path = "/collections/default/documents"
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        scope |= {"http_version": "1.1", "query_string": b"", "scheme": "http", "root_path": ""}
        assert client.portal is not None
        app: Any = client.app
        client.portal.call(app, scope, receive, send)
    assert read == 10
    assert sent[0]["status"] == 422
    assert b"max_ndjson_line_bytes" in sent[1]["body"]
