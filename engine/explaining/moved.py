"""Moved: two explanations of one hit, subtracted part by part and word by word.

Pure arithmetic over what `explainer` tells. Whatever is told adds up: what is not told word by word
is one number, and what the words leave of a score another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_MOVED = 20
"""So many words of a passage are told, those that moved the score most."""
_Key = tuple[Any, ...]
_KeyOf = Callable[[Mapping[str, Any]], _Key]


@dataclass(frozen=True)
class Moved:
    """A number before and now; None where there is none."""

    before: float | None
    now: float | None

    @property
    def difference(self) -> float | None:
        """By how much it rose, where it is known both before and now."""
        if self.before is None or self.now is None:
            return None
        return self.now - self.before

    def describe(self) -> dict[str, float | None]:
        """It as JSON."""
        return {"before": self.before, "now": self.now, "difference": self.difference}


def moved_parts(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, Moved]:
    """The parts of a score, by their names; one that is missing adds nothing."""
    return {one: Moved(before.get(one, 0.0), now.get(one, 0.0)) for one in {**now, **before}}


def moved_dense(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """How a score by meaning moved, by the words of the query and by those of the passage.

    A word is the same where it stands at the same place of the same text. On either side the
    differences of `words`, `special` and `others` add up to that of the score less `rest`.
    """
    exact = before["method"] == now["method"] == "exact"
    score = Moved(_total(before), _total(now))
    sides = {name: _moved_side(before[name], now[name]) for name in ("query", "passage")}
    return {
        **score.describe(),
        "method": "exact" if exact else "leave_one_out",
        **sides,
        "rest": Moved(before["rest"] or 0.0, now["rest"] or 0.0).describe(),
    }


def moved_lexical(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """How a score by words moved, by the words of the query."""
    words = _moved_words(before["words"], now["words"], lambda one: (one["field"], one["text"]))
    scores = [side["score"] or 0.0 for side in (before, now)]
    return {
        **Moved(*scores).describe(),
        "ceiling": Moved(before["ceiling"], now["ceiling"]).describe(),
        "words": words,
        "rest": Moved(before["rest"] or 0.0, now["rest"] or 0.0).describe(),
    }


def _total(dense: Mapping[str, Any]) -> float:
    """The score that was served; of a hit that was not found by meaning what its words make."""
    if dense["score"] is not None:
        return float(dense["score"])
    query = dense["query"]
    return float(query["special"] + query["others"] + _sum(query["words"]))


def _moved_side(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    words = _moved_words(before["words"], now["words"], _place)
    told = sorted(words, key=lambda one: -abs(one["difference"]))[:MOST_MOVED]
    told.sort(key=lambda one: (one.get("field") == "text", one["start"], one["end"]))
    left = {
        when: side["others"] + _sum(words, when) - _sum(told, when)
        for when, side in (("before", before), ("now", now))
    }
    return {
        "words": told,
        "special": Moved(before["special"], now["special"]).describe(),
        "others": Moved(**left).describe(),
    }


def _place(word: Mapping[str, Any]) -> _Key:
    return word.get("field"), word["start"], word["end"], word["text"]


def _moved_words(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], key: _KeyOf
) -> list[dict[str, Any]]:
    """Words with what they add before and now; 0 where one is not told."""
    former, latter = ({key(one): one for one in side} for side in (before, now))
    told = []
    for at, word in {**latter, **former}.items():
        scores = [side[at]["score"] if at in side else 0.0 for side in (former, latter)]
        named = {name: word[name] for name in ("text", "field", "start", "end") if name in word}
        told.append(named | Moved(*scores).describe())
    return told


def _sum(words: Iterable[Mapping[str, Any]], name: str = "score") -> float:
    return float(sum(one[name] for one in words))
