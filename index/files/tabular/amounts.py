"""Amounts: numbers as people write them, with a decimal comma, groups of digits and a currency.

Which mark is the decimal one is decided by all cells of a column together.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from molt.index.files.tabular.cells import Value, classify

_AMOUNT = re.compile(
    r"(?P<sign>[-+\u2212]?)\s*(?:[$€£¥]|[A-Z]{3})?\s*(?P<late>[-\u2212]?)"
    r"(?P<digits>[0-9](?:[0-9.,'\u2019\s]*[0-9])?)"
    r"(?:,-|\.-)?\s*(?:[$€£¥%]|[A-Z]{3})?"
)
_GROUPING = re.compile(r"['\u2019\s]")
_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:[.,][0-9]{3})+")
_MOST_DIGITS = 100
_MOST_CHARS = 250  # of a cell that can be an amount; the pattern takes their square in steps


@dataclass
class AmountCells:
    """What the cells of one column say about its decimal mark; `usual_mark` where none says it."""

    usual_mark: str = "."
    _votes: Counter[str] = field(default_factory=Counter, init=False)
    _doubtful: tuple[int, str] | None = field(default=None, init=False)
    _nothing: int = field(default=0, init=False)
    _text: list[tuple[int, str]] = field(default_factory=list, init=False)
    _texts: int = field(default=0, init=False)

    @property
    def mark(self) -> str:
        """The decimal mark of the column."""
        (found, _), *_ = self._votes.most_common(1) or [(self.usual_mark, 0)]
        return found

    def see(self, line: int, cell: str) -> None:
        """Look at one cell that is not empty."""
        digits = _digits(cell)
        if digits is None:
            self._see_other(line, cell)
        elif (mark := _plain_mark(digits)) is not None:
            self._votes[mark] += 1
        elif self._doubtful is None and ("," in digits or "." in digits):
            self._doubtful = (line, cell)

    def read(self, line: int, cell: str) -> Value | None:  # noqa: ARG002  as other columns do
        """The number that a cell spells, None for nothing, and the cell where it is text."""
        number = read_amount(cell, mark=self.mark)
        if number is None:
            return None if classify(cell) == "nothing" else cell
        return number

    def remark(self) -> str | None:
        """What a reader of the column should know; None where it is plain."""
        said = []
        if self._doubtful is not None and not self._votes:
            line, cell = self._doubtful
            said.append(
                f"{cell[:40]} on line {line} is read as {read_amount(cell, mark=self.mark)}"
            )
        if self._nothing:
            said.append(f"cells without a number, left out: {self._nothing:,}")
        if self._texts:
            line, cell = self._text[0]
            said.append(
                f"cells that are no number, kept as text: {self._texts:,} ({cell[:40]} on line "
                f"{line})"
            )
        return "; ".join(said) or None

    def _see_other(self, line: int, cell: str) -> None:
        if classify(cell) == "nothing":
            self._nothing += 1
        else:
            self._texts += 1
            self._text = self._text or [(line, cell)]


def read_amount(cell: str, *, mark: str) -> int | float | None:
    """The number that a cell spells with a decimal mark, `,` or `.`; None where it spells none."""
    digits = _digits(cell)
    if digits is None or len(digits) > _MOST_DIGITS:
        return None
    mark = _plain_mark(digits) or mark
    whole, *rest = digits.split(mark)
    other = "," if mark == "." else "."
    if len(rest) > 1 or any(other in part for part in rest):
        return None
    if other in whole and not _GROUPS.fullmatch(whole):
        return None
    sign = "-" if _is_negative(cell) else ""
    whole = whole.replace(other, "")
    if rest:
        return float(f"{sign}{whole}.{rest[0]}")
    number = int(f"{sign}{whole}")
    return number if -(2**63) <= number < 2**63 else None


def _match(cell: str) -> re.Match[str] | None:
    cell = cell.strip()
    return _AMOUNT.fullmatch(cell) if len(cell) <= _MOST_CHARS else None


def _digits(cell: str) -> str | None:
    found = _match(cell)
    return _GROUPING.sub("", found["digits"]) if found else None


def _is_negative(cell: str) -> bool:
    found = _match(cell)
    return found is not None and found["sign"] + found["late"] in ("-", "\u2212")


def _plain_mark(digits: str) -> str | None:
    """The decimal mark, where one cell is enough to know it."""
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return None
    mark = digits[last]
    other = "," if mark == "." else "."
    if digits.count(mark) > 1:
        return other
    if other in digits:
        return mark
    grouped = _GROUPS.fullmatch(digits)
    return None if grouped else mark
