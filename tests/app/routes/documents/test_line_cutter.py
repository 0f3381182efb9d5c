"""Lines out of pieces, however small these are."""

import tracemalloc
from collections.abc import Iterator

import pytest

from molt.app.routes.documents.line_cutter import LineCutter

MIB = 2**20
TEXT = b"first\n\nsecond\n \nthird"


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, len(TEXT), size):
        yield TEXT[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 100])
def test_lines_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    lines = LineCutter(limit=100)
    found = [line for piece in pieces(size) for line in lines.whole(piece)]
    assert [*found, *lines.rest()] == [(1, b"first"), (3, b"second"), (5, b"third")]


def test_a_line_in_small_pieces_is_put_together_once() -> None:
    """Else each piece would be copied with all that came before it, thousands of times."""
    lines, large = LineCutter(limit=10 * MIB), b"x" * (4 * MIB)
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
    lines = LineCutter(limit=10)
    assert list(lines.whole(b"x" * 10)) == []
    assert not lines.are_over
    assert list(lines.whole(b"x")) == []
    assert lines.are_over
