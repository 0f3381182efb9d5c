"""Cells: what the strings of a column stand for, judged by all of them together.

A column of numbers stays one whatever word stands for nothing in it, and whoever else than numbers
is in it keeps no other cell from being a number.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

Value = str | int | float | bool

_EXACT = range(-(2**53), 2**53 + 1)
_INT64 = range(-(2**63), 2**63)
_NOTHING = (
    "nan|-nan|null|nil|none|na|n/a|<na>|#na|#n/a|#n/a n/a|1\\.#ind|-1\\.#ind|1\\.#qnan|-1\\.#qnan|"
    "[+-]?inf|[+-]?infinity|-|--|\u2013|\u2014"
)
# A leading zero makes a code, not a number.
_KIND = re.compile(
    r"(?P<integer>-?(?:0|[1-9][0-9]{0,99}))"
    r"|(?P<number>-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][+-]?[0-9]{1,2})?)"
    r"|(?P<boolean>(?i:true|false))"
    rf"|(?P<nothing>(?i:{_NOTHING}))"
    r"|(?P<code>0[0-9]+)"
    r"|(?P<comma>-?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+),[0-9]+)"
)
_CODE = re.compile(r"[0-9]+[eE][0-9]+")  # programs write 1e+05 for the number
_MOST_SPELLINGS = 10_000


@dataclass(frozen=True)
class _Reading:
    """What a column holds, and how to read a cell of it; None is for a cell that holds nothing."""

    value: Callable[[str], Value | None]
    remark: str | None = None


@dataclass
class _Spellings:
    """How cells with a point or an exponent are written, which no number keeps.

    Versions (`3.1` and `3.10`) and codes (`1e5` among `123`) look so. The first 10,000 are known.
    """

    twice: tuple[int, str, str] | None = None
    power: tuple[int, str] | None = None
    fractions: bool = False
    _seen: dict[str, str] = field(default_factory=dict)

    def see(self, line: int, cell: str) -> None:
        """Look at one cell that is a number and no integer."""
        if "." in cell:
            self.fractions = True
            number = cell.rstrip("0")
            if "e" in cell.lower() or number.endswith(".") or self.twice is not None:
                return
            if number in self._seen or len(self._seen) < _MOST_SPELLINGS:
                before = self._seen.setdefault(number, cell)
                self.twice = None if before == cell else (line, before, cell)
        elif self.power is None and _CODE.fullmatch(cell):
            self.power = (line, cell)

    def why_text(self, *, integers: bool) -> str | None:
        """Why a column of such cells and maybe integers is text; None where it is of numbers."""
        if self.twice is not None:
            line, before, cell = self.twice
            return f"kept as text, since line {line} has {cell[:40]} beside {before[:40]}"
        if self.power is not None and integers and not self.fractions:
            line, cell = self.power
            return f"kept as text, since line {line} has {cell[:40]} among integers"
        return None


@dataclass
class ColumnCells:
    """What was seen in a column: how many cells of each kind, and the first of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    nothing: dict[str, None] = field(default_factory=dict)
    spellings: _Spellings = field(default_factory=_Spellings)

    def see(self, line: int, cell: str) -> None:
        """Count one cell that is not empty."""
        kind = classify(cell)
        self.counts[kind] += 1
        if kind == "number":
            self.spellings.see(line, cell)
        if kind not in self.first:
            self.first[kind] = (line, cell)
        if kind == "nothing" and len(self.nothing) < 4:
            self.nothing[cell] = None

    def read(self, line: int, cell: str) -> Value | None:  # noqa: ARG002  as other columns do
        """What a cell stands for; None where it is a word for nothing among numbers."""
        return self._reading.value(cell)

    def remark(self) -> str | None:
        """What a reader of the column should know; None where it is plain."""
        return self._reading.remark

    @cached_property
    def _reading(self) -> _Reading:
        seen = self.counts
        numbers = seen["integer"] + seen["number"]
        others = seen.total() - seen["nothing"] - numbers
        why = self.spellings.why_text(integers=seen["integer"] > 0)
        if why is not None:
            return _Reading(_read_text, f"{why}; pass --number to read numbers")
        if numbers and not seen["big"] and not seen["code"]:
            if not others:
                whole = not seen["number"]
                return _Reading(_read_integer if whole else _read_number, self._left_out("number"))
            if numbers >= 2 * others:
                return _Reading(_read_mixed, self._mixed(numbers))
        if seen["boolean"] and seen["boolean"] + seen["nothing"] == seen.total():
            return _Reading(_read_boolean, self._left_out("boolean"))
        return _Reading(_read_text, self._why_text(numbers, others))

    def _left_out(self, what: str) -> str | None:
        count = self.counts["nothing"]
        if not count:
            return None
        line, _ = self.first["nothing"]
        words = ", ".join(self.nothing)
        return f"{_cells(count)} without a {what} ({words}; first on line {line}): left out"

    def _mixed(self, numbers: int) -> str:
        odd = [kind for kind in ("text", "comma", "boolean") if self.counts[kind]]
        line, cell = min(self.first[kind] for kind in odd)
        count = sum(self.counts[kind] for kind in odd)
        said = f"{_cells(numbers)} with a number, {count:,} with text ({cell[:40]} on line {line})"
        left_out = self._left_out("value")
        return f"{said}; each is kept as what it is" + (f"; {left_out}" if left_out else "")

    def _why_text(self, numbers: int, others: int) -> str | None:
        if self.counts["comma"] and self.counts["comma"] + numbers >= 3 * (
            others - self.counts["comma"]
        ):
            line, cell = self.first["comma"]
            return f"kept as text ({cell[:40]} on line {line}); pass --number to read numbers"
        if self.counts["big"] and not others - self.counts["big"]:
            line, cell = self.first["big"]
            return f"kept as text: {cell[:40]} on line {line} has more than 64 bits"
        if numbers >= 2 and numbers >= others and not self.counts["code"]:
            kinds = [kind for kind in ("text", "boolean", "big", "comma") if kind in self.first]
            line, cell = min(self.first[kind] for kind in kinds)
            return f"kept as text, since line {line} has {cell[:40]}"
        named = [word for word in self.nothing if word.strip("-\u2013\u2014")]
        return f"the words {', '.join(named)} are kept as text" if named else None


def classify(cell: str) -> str:
    """integer, number, boolean, nothing, code, comma, big (beyond 64 bits) or text."""
    found = _KIND.fullmatch(cell)
    kind = found.lastgroup if found else None
    if kind == "integer" and len(cell) > 18 and int(cell) not in _INT64:
        return "big"
    return kind or "text"


def _read_number(cell: str) -> Value | None:
    kind = classify(cell)
    if kind == "integer" and int(cell) not in _EXACT:
        return int(cell)
    return float(cell) if kind in ("integer", "number") else None


def _read_integer(cell: str) -> Value | None:
    return int(cell) if classify(cell) == "integer" else None


def _read_mixed(cell: str) -> Value | None:
    kind = classify(cell)
    if kind == "integer":
        return int(cell)
    if kind == "number":
        return float(cell)
    return None if kind == "nothing" else cell


def _read_boolean(cell: str) -> Value | None:
    return {"true": True, "false": False}.get(cell.lower())


def _read_text(cell: str) -> Value | None:
    return cell


def _cells(count: int) -> str:
    return f"{count:,} cell" if count == 1 else f"{count:,} cells"
