"""Remarks: what was read otherwise than it was written, or not at all, counted file by file."""

from collections import Counter
from pathlib import Path
from typing import Any

from molt.index.catalog.judging.split_name import SplitName, read_split
from molt.index.files.judged.grades import GRADE_WORDS, WHOLE_GRADES, GradeScale
from molt.index.files.judged.pairs import read_pair_row
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.row import GRADES, JUDGED_DOCUMENTS, JUDGED_QUERIES, JUDGED_TEXT, Row

_USED = frozenset((*JUDGED_QUERIES, *JUDGED_DOCUMENTS, *GRADES, JUDGED_TEXT, "split"))
_MOST = 200  # different remarks on one source; more columns than that are no table


class Remarks:
    """Looks at every row that is read, and says at the end what is worth knowing."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[Path, str]] = Counter()
        self._noted: dict[str, None] = {}
        self.scales: dict[SourcePart, GradeScale] = {}

    def look(self, part: SourcePart, row: Row) -> None:
        """Count what is remarkable in a row."""
        if part.kind is RecordKind.JUDGMENTS:
            for column in row.values.keys() - _USED:
                self._count(part.path, f"the column {_shown(column)} is not kept")
            self._look_at_judgment(part, row)
        elif part.kind is RecordKind.PAIRS:
            self._look_at_pair(part, row)

    def note(self, path: Path, said: str) -> None:
        """Keep what is known of a whole file."""
        self._noted.setdefault(f"{path}: {said}")

    def sentences(self) -> list[str]:
        """Everything that was seen, with how often."""
        return [*self._noted] + [
            f"{path}: {count} {'row' if count == 1 else 'rows'}: {said}"
            for (path, said), count in sorted(self._seen.items())
        ]

    def _look_at_judgment(self, part: SourcePart, row: Row) -> None:
        scale = self.scales.get(part, WHOLE_GRADES)
        self._look_at_split(part, row.values.get("split"))
        grade = next((row.values[name] for name in GRADES if name in row.values), None)
        if _is_negative(grade) and not scale.fractional:
            self._count(part.path, "a grade below 0 became 0, judged and not relevant")
        if isinstance(grade, str) and (word := grade.strip().lower()) in GRADE_WORDS:
            self._count(part.path, f"the grade {_shown(grade)} is kept as {GRADE_WORDS[word]}")

    def _look_at_split(self, part: SourcePart, own: Any) -> None:
        split = own or part.split
        if isinstance(split, str) and split.strip() and read_split(split) is None:
            known = ", ".join(name.value for name in SplitName)
            self._count(
                part.path,
                f"the split {_shown(split)} is none of {known}; kept as it is, and taken as no "
                "split when training",
            )

    def _look_at_pair(self, part: SourcePart, row: Row) -> None:
        said = read_pair_row(row.values)
        for column in said.unused:
            self._count(part.path, f"the column {_shown(column)} is not kept")
        self._look_at_split(part, said.split)

    def _count(self, path: Path, said: str) -> None:
        if (path, said) in self._seen or len(self._seen) < _MOST:
            self._seen[path, said] += 1


def _is_negative(grade: Any) -> bool:
    try:
        return float(grade) < 0
    except (TypeError, ValueError, OverflowError):
        return False


def _shown(text: str) -> str:
    return f'"{text[:60]}"'
