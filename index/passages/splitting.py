"""Splitting: how long texts are split, as a collection and a generation have it.

Owns the value and its JSON; where a text is cut is `cutting`'s.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from molt.index.errors import InvalidFieldError

LEAST_TOKENS = 16
MOST_TOKENS = 8192


@dataclass(frozen=True)
class Splitting:
    """How long texts are split: `tokens` at most, None for as many as the encoder reads.

    Title, prompt and special tokens count. `overlap` tokens of whole sentences are said again.
    """

    tokens: int | None = None
    overlap: int = 0

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_splitting` makes an equal one."""
        return asdict(self)


def parse_splitting(value: Mapping[str, Any]) -> Splitting:
    """The splitting that a JSON object means. Raises `InvalidFieldError`, naming what is wrong."""
    unknown = value.keys() - {"tokens", "overlap"}
    if unknown:
        raise InvalidFieldError(f"passages.{min(unknown)}", "is nothing that can be set")
    tokens, overlap = value.get("tokens"), value.get("overlap")
    if tokens is not None:
        tokens = _whole(tokens, LEAST_TOKENS, MOST_TOKENS, field="passages.tokens")
    most = (tokens or MOST_TOKENS) // 2
    return Splitting(tokens, _whole(overlap or 0, 0, most, field="passages.overlap"))


def _whole(value: object, least: int, most: int, *, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidFieldError(field, f"must be a whole number from {least} to {most:,}")
    return value
