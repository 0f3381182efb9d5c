"""Scores: how well a text answers, on whatever scale or in whatever words a file says it.

A collection keeps 0 to 1. How a file counts is known when all of its scores have been seen.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from molt.index.errors import InvalidFieldError
from molt.index.files.objects.exact import spelled

LABELS = {
    "entailment": 1.0,
    "neutral": 0.5,
    "contradiction": 0.0,
    "true": 1.0,
    "false": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "relevant": 1.0,
    "irrelevant": 0.0,
    "equivalent": 1.0,
    "not_equivalent": 0.0,
    "duplicate": 1.0,
    "not_duplicate": 0.0,
    "not_entailment": 0.0,
}
"""Labels in words, and the scores that they stand for."""


@dataclass(frozen=True)
class Score:
    """A score as a file has it; `word` is the label that stood for it."""

    value: float
    word: str | None = None


@dataclass(frozen=True)
class ScoreScale:
    """All scores of a file: the lowest, the largest, and the labels in words among them."""

    lowest: float = 0.0
    largest: float = 0.0
    words: frozenset[str] = frozenset()
    scored: bool = False

    def place(self, score: Score, *, field: str) -> float:
        """Where a score stands between 0 and 1.

        Where any of the file is below 0, all go from -1 to 1, as cosines do. Else they are as they
        are up to 1, and parts of the largest beyond. Raises `InvalidFieldError` for one that is of
        no such scale.
        """
        if score.word is not None:
            if self.largest > 1 or self.lowest < 0:
                said = f'is "{score.word}" beside numbers; write all in words or all as numbers'
                raise InvalidFieldError(field, said)
            return score.value
        if self.lowest >= 0:
            return score.value / max(1.0, self.largest)
        if abs(score.value) > 1:
            raise InvalidFieldError(
                field, f"is {score.value:g}; where some are below 0, all must be from -1 to 1"
            )
        return (score.value + 1) / 2

    def remarks(self) -> list[str]:
        """What becomes of the scores, where they are not kept as they are."""
        said = []
        if -1 <= self.lowest < 0 and self.largest <= 1:
            said.append("scores from -1 to 1 are kept as 0 to 1: -1 is 0, and 0 is 0.5")
        elif self.lowest >= 0 and self.largest > 1:
            said.append(f"scores are kept divided by their largest, {self.largest:g}")
        if self.words:
            known = ", ".join(f"{word} {LABELS[word]:g}" for word in sorted(self.words))
            said.append(f"labels in words are kept as scores: {known}")
        return said


def find_scale(scores: Iterable[Score]) -> ScoreScale:
    """The scale of all scores of a file."""
    lowest, largest, words, scored = 0.0, 0.0, set[str](), False
    for score in scores:
        scored = True
        if score.word is not None:
            words.add(score.word)
        else:
            lowest, largest = min(lowest, score.value), max(largest, score.value)
    return ScoreScale(lowest, largest, frozenset(words), scored)


def read_score(found: Any, *, field: str) -> Score:
    """A number, or a label in words. Raises `InvalidFieldError` for anything else."""
    if isinstance(found, bool) and field != "score":
        return Score(float(found))
    word = found.strip().lower() if isinstance(found, str) else None
    if word in LABELS:
        return Score(LABELS[word], word)
    try:
        number = math.nan if isinstance(found, bool) else float(found)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        hint = "; pass --number for decimal commas" if word and "," in word else ""
        raise InvalidFieldError(field, f"is {spelled(found)}, not a number{hint}")
    return Score(number)
