"""Passages: the parts of a document's text that get a vector each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """The characters `start` to `end` of a text."""

    start: int
    end: int


Split = Callable[[str], Sequence[Span]]


def whole_text(text: str) -> Sequence[Span]:
    """One passage: the encoder reads as much of it as it can."""
    return (Span(0, len(text)),)
