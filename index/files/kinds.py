"""Kinds: which fields of documents hold numbers in some and text in others, which is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MOST_FIELDS = 200


@dataclass
class _Field:
    numbers: int = 0
    texts: int = 0
    text: str = ""


class MixedFields:
    """Looks at the metadata of documents, whose fields need not be of one kind."""

    def __init__(self) -> None:
        self._fields: dict[str, _Field] = {}

    def see(self, metadata: Mapping[str, Any]) -> None:
        """Count the numbers and the texts of one document."""
        for name, value in metadata.items():
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                continue
            if name not in self._fields:
                if len(self._fields) == _MOST_FIELDS:
                    continue
                self._fields[name] = _Field()
            found = self._fields[name]
            if isinstance(value, str):
                found.texts += 1
                found.text = found.text or value
            else:
                found.numbers += 1

    def remarks(self) -> list[str]:
        """A sentence for each field that holds both."""
        return [
            f"{name[:80]}: {field.numbers:,} numbers and {field.texts:,} texts "
            f"({field.text[:40]}); each is kept as what it is: pass --number {name[:80]} to read "
            "numbers that are written as text"
            for name, field in self._fields.items()
            if field.numbers and field.texts
        ]
