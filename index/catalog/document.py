"""A document, and the passage of it that is encoded. Knows neither catalog nor segments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Document:
    """What a user sends: an id unique in its collection, a text, and optionally more."""

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def passage_text(*, title: str, text: str) -> str:
    """The text that is encoded: title and text joined by a space, as BEIR does."""
    return f"{title} {text}".strip()


def text_offset(*, title: str, text: str) -> int:
    """Where the text begins in that; before it where it begins with spaces and has no title."""
    joined = f"{title} {text}"
    return len(title) + 1 - (len(joined) - len(joined.lstrip()))
