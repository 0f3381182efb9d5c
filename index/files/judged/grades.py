"""Grades: whole numbers from 0 to 100, whatever a file of judgments writes for them.

Words and fractions become such numbers. How a file counts is known by all of its grades.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from molt.index.errors import InvalidFieldError
from molt.index.files.objects.exact import spelled

GRADE_WORDS = {
    "exact": 2,
    "partial": 1,
    "irrelevant": 0,
    "not relevant": 0,
    "relevant": 1,
    "highly relevant": 2,
    "e": 3,
    "s": 2,
    "c": 1,
    "i": 0,
}
"""Grades in words, as WANDS has them, and the letters of Amazon's ESCI."""
_PARTS = 100
_SHARE = 0.1  # of fractions among grades; fewer are mistakes


@dataclass(frozen=True)
class GradeScale:
    """What grades a file has. `fractional`: they become parts of 100."""

    lowest: float = 0.0
    largest: float = 1.0
    fractional: bool = False

    def place(self, grade: float) -> int:
        """The grade that is kept; below 0 it is 0, unless all go from -1 to 1, as cosines do.

        Raises `InvalidFieldError` for a fraction where grades are whole numbers.
        """
        if not self.fractional:
            if not grade.is_integer():
                raise InvalidFieldError("score", f"is {grade:g}, not a whole number")
            return max(0, int(grade))
        if self.lowest >= 0:
            return round(_PARTS * grade / max(1.0, self.largest))
        return round(_PARTS * (grade + 1) / 2)

    def remark(self) -> str | None:
        """What becomes of grades that are not kept as they are."""
        if not self.fractional:
            return None
        if self.lowest < 0:
            return "grades from -1 to 1 are kept as 0 to 100: -1 is 0, and 0 is 50"
        return f"grades are kept as parts of 100: {max(1.0, self.largest):g} is 100"


WHOLE_GRADES = GradeScale()


def find_grades(grades: Iterable[float]) -> GradeScale:
    """The scale of all grades of a file.

    Fractional where one in ten at least is a fraction, and all are from 0 on, or from -1 to 1.
    """
    lowest, largest, count, fractions = math.inf, -math.inf, 0, 0
    for grade in grades:
        count += 1
        fractions += not grade.is_integer()
        lowest, largest = min(lowest, grade), max(largest, grade)
    is_scale = lowest >= 0 or (lowest >= -1 and largest <= 1)
    if not is_scale or not fractions or fractions < _SHARE * count:
        return WHOLE_GRADES
    return GradeScale(lowest, largest, fractional=True)


def read_grade(found: Any) -> float:
    """A number, or a grade in words. Raises `InvalidFieldError` for anything else."""
    word = found.strip().lower() if isinstance(found, str) else None
    if word in GRADE_WORDS:
        return float(GRADE_WORDS[word])
    try:
        grade = math.nan if isinstance(found, bool) else float(found)
    except (TypeError, ValueError, OverflowError):
        grade = math.nan
    if not math.isfinite(grade):
        raise InvalidFieldError("score", f"is {spelled(found)}, not a whole number")
    return grade
