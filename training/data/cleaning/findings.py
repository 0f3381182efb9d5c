"""Findings: what was dropped from relevance data or changed in it, why, how often, and examples."""

from dataclasses import dataclass, field

_EXAMPLES = 5
_WIDTH = 160


@dataclass(frozen=True)
class Finding:
    """One reason, with how often it came up and the first few cases."""

    what: str
    why: str
    count: int
    examples: tuple[str, ...]


@dataclass
class _Tally:
    count: int = 0
    examples: list[str] = field(default_factory=list)


class Findings:
    """Collects findings while data is prepared."""

    def __init__(self) -> None:
        self._dropped: dict[tuple[str, str], _Tally] = {}
        self._changed: dict[tuple[str, str], _Tally] = {}

    @property
    def dropped(self) -> tuple[Finding, ...]:
        """What is not in the dataset."""
        return _frozen(self._dropped)

    @property
    def changed(self) -> tuple[Finding, ...]:
        """What is in the dataset, but not as it was given, or worth knowing."""
        return _frozen(self._changed)

    def drop(self, what: str, why: str, *, example: str) -> None:
        """Count one that is left out."""
        _count(self._dropped.setdefault((what, why), _Tally()), example)

    def change(self, what: str, why: str, *, example: str) -> None:
        """Count one that stays, but not as it was."""
        _count(self._changed.setdefault((what, why), _Tally()), example)


def shorten(text: str) -> str:
    """A text short enough for a list."""
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _count(tally: _Tally, example: str) -> None:
    tally.count += 1
    if len(tally.examples) < _EXAMPLES:
        tally.examples.append(shorten(example))


def _frozen(tallies: dict[tuple[str, str], _Tally]) -> tuple[Finding, ...]:
    return tuple(
        Finding(what, why, tally.count, tuple(tally.examples))
        for (what, why), tally in sorted(tallies.items())
    )
