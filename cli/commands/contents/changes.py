"""Changes: what moved between two searches, as `molt explain --against` lists it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.engine.explaining.changing import DocumentChange, SearchChange

_FEW_WORDS = 5
"""So many words of either text are listed of each document; JSON has all that are told."""
_COLUMNS = ("document", "rank", "part", "what", "before", "now", "difference")
_Told = tuple[str, str, Mapping[str, float | None]]


def changes_listing(change: "SearchChange") -> Listing:
    """A row for each score, part and word that moved most."""
    rows = [row for one in change.documents for row in _rows(one)]
    return Listing(_COLUMNS, rows, empty="No hits, before or now.")


def _rows(change: "DocumentChange") -> Iterator[tuple[str, ...]]:
    place = f"{change.rank.before or '-'} > {change.rank.now or '-'}"
    for part, what, moved in _told(change):
        numbers = (moved["before"], moved["now"], moved["difference"])
        signed = ("{:.4f}", "{:.4f}", "{:+.4f}")
        shown = (
            "-" if one is None else form.format(one)
            for form, one in zip(signed, numbers, strict=True)
        )
        yield (change.id, place, part, what, *shown)


def _told(change: "DocumentChange") -> Iterator[_Told]:
    yield "score", change.move, change.score.describe()
    for name, moved in change.parts.items():
        yield "part", name, moved.describe()
    if change.dense is not None:
        yield "by meaning", change.dense["method"].replace("_", " "), change.dense
        for side in ("query", "passage"):
            told = change.dense[side]
            for word in _most_moved(told["words"]):
                yield f"  {side}", word["text"], word
            yield f"  {side}", "(all other words and tokens)", _others(told)
        yield "  rest", "(served vectors differ by)", change.dense["rest"]
    if change.lexical is not None:
        yield "by words", "BM25", change.lexical
        for word in _most_moved(change.lexical["words"]):
            yield "  word", word["text"], word


def _most_moved(words: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(words, key=lambda one: -abs(one["difference"]))[:_FEW_WORDS]


def _others(side: Mapping[str, Any]) -> Mapping[str, float | None]:
    """What the words add that are not listed, and the tokens that a model adds."""
    listed = _most_moved(side["words"])
    left = [one for one in side["words"] if one not in listed]
    every = [*left, side["special"], side["others"]]
    return {name: sum(one[name] for one in every) for name in ("before", "now", "difference")}
