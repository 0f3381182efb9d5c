"""Interleaving: one list of hits drawn from the rankings of two arms, and whom a click speaks for.

Pure functions of document ids and a seed. Knows no search, no catalog and no test.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from types import MappingProxyType
from typing import Literal

Team = Literal["a", "b"]
InterleavingMethod = Literal["team-draft", "probabilistic"]

STEEPNESS = 3.0
"""How fast the chance of a document falls with its rank, the tau of Hofmann et al. (2011)."""
_OTHER: Mapping[Team, Team] = MappingProxyType({"a": "b", "b": "a"})
_FOR: Mapping[Team, float] = MappingProxyType({"a": -1.0, "b": 1.0})


@dataclass(frozen=True)
class Interleaved:
    """Documents as they are `shown`, the team that drew each, and what a click on each credits.

    A credit lies between -1, for arm A, and 1, for arm B. For whoever clicks by position alone the
    expected credit of every position is 0, whatever the two rankings are.
    """

    shown: tuple[str, ...] = ()
    teams: tuple[Team, ...] = ()
    credits: tuple[float, ...] = ()

    def with_drawn(self, doc_id: str, team: Team, credit: float) -> "Interleaved":
        """The same list with another document at its end."""
        return Interleaved((*self.shown, doc_id), (*self.teams, team), (*self.credits, credit))


def interleave(
    method: InterleavingMethod, a: Sequence[str], b: Sequence[str], *, k: int, seed: int
) -> Interleaved:
    """The first `k` documents of two rankings together; equal for equal seeds, in every process.

    By `team-draft` a shorter list is the beginning of a longer one, also where the rankings go on.
    """
    return _METHODS[method](a, b, k=k, seed=seed)


def team_draft(a: Sequence[str], b: Sequence[str], *, k: int, seed: int) -> Interleaved:
    """Team-draft interleaving (Radlinski, Kurup, Joachims, CIKM 2008, section 4).

    In each round a coin says which team picks first, and each picks its best document that is not
    shown yet. A click credits the team whose pick it was, but for what the coin alone decided: a
    document that both would have picked first credits nobody, nor does a round that would have
    shown the same documents in the same order either way. That leaves the expectation as it is and
    takes out the noise of whatever both arms rank alike.
    """
    rankings: Mapping[Team, Sequence[str]] = {"a": a, "b": b}
    coin, drawn = Random(seed), Interleaved()  # noqa: S311  nobody gains by foreseeing it
    while len(drawn.shown) < k:
        orders: dict[Team, list[tuple[str, Team]]] = {
            first: _round(rankings, frozenset(drawn.shown), first) for first in _OTHER
        }
        first: Team = "b" if coin.random() < 0.5 else "a"
        if not orders[first]:
            break
        said = _round_credits(orders[first], orders[_OTHER[first]])
        for (doc_id, team), credit in zip(orders[first], said, strict=True):
            if len(drawn.shown) < k:
                drawn = drawn.with_drawn(doc_id, team, credit)
    return drawn


def probabilistic(a: Sequence[str], b: Sequence[str], *, k: int, seed: int) -> Interleaved:
    """Probabilistic interleaving (Hofmann, Whiteson, de Rijke, CIKM 2011, sections 3 and 4).

    At each place a coin says whose turn it is, and that team draws any document that is not shown
    yet, with a chance that falls with the third power of its rank. A click credits both teams by
    how likely each was to have drawn the document, whichever did.
    """
    rankings: Mapping[Team, Sequence[str]] = {"a": a, "b": b}
    coin, drawn = Random(seed), Interleaved()  # noqa: S311  nobody gains by foreseeing it
    while len(drawn.shown) < k:
        shown = frozenset(drawn.shown)
        chances = {team: _chances(ranking, shown) for team, ranking in rankings.items()}
        team: Team = "b" if coin.random() < 0.5 else "a"
        one_sided = not (chances["a"] and chances["b"])
        if not chances[team]:
            team = _OTHER[team]
        if not chances[team]:
            break
        doc_id = _draw(chances[team], coin.random())
        for_a, for_b = (chances[one].get(doc_id, 0.0) for one in ("a", "b"))
        credit = 0.0 if one_sided else (for_b - for_a) / (for_a + for_b)
        drawn = drawn.with_drawn(doc_id, team, credit)
    return drawn


def credit_of(said: Mapping[str, float], clicked: Sequence[str]) -> tuple[float, float, float]:
    """What the clicks on one list say: the credit of A, that of B, and the outcome of the query.

    `said` are the credits of the documents that were shown; each counts once. The outcome lies in
    [-1, 1]: what B has more than A, as a share of the documents clicked. Its sign says who won; the
    share keeps the expectation at 0 where clicks go by position alone, which the sign of several
    clicks together does not.
    """
    found = [said[doc_id] for doc_id in dict.fromkeys(clicked) if doc_id in said]
    if not found:
        return 0.0, 0.0, 0.0
    for_a, for_b = -sum(min(one, 0.0) for one in found), sum(max(one, 0.0) for one in found)
    return for_a, for_b, (for_b - for_a) / len(found)


def seed_of(*parts: object) -> int:
    """A number below 2^64 that depends on all of `parts` and is the same in every process."""
    digest = blake2b(digest_size=8)
    for part in parts:
        content = str(part).encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(content) + content)
    return int.from_bytes(digest.digest())


def drawn_by_lot(share: float, *parts: object) -> bool:
    """Is what `parts` name among the `share` that are chosen? Always alike for equal ones."""
    return seed_of("share", *parts) < share * 2**64


def _round(
    rankings: Mapping[Team, Sequence[str]], shown: frozenset[str], first: Team
) -> list[tuple[str, Team]]:
    """What a round shows where `first` picks first: up to two documents, and who picked them."""
    picked: list[tuple[str, Team]] = []
    for team in (first, _OTHER[first]):
        taken = shown.union(doc_id for doc_id, _ in picked)
        best = next((doc_id for doc_id in rankings[team] if doc_id not in taken), None)
        if best is not None:
            picked.append((best, team))
    return picked


def _round_credits(
    picked: Sequence[tuple[str, Team]], otherwise: Sequence[tuple[str, Team]]
) -> list[float]:
    """The credit of each pick of a round, given what the other order would have shown."""
    complete = len(picked) == len(otherwise) == 2
    alike = [one == other for (one, _), (other, _) in zip(picked, otherwise, strict=False)]
    if not complete or all(alike):
        return [0.0] * len(picked)
    said = [_FOR[team] for _, team in picked]
    return [0.0, said[1]] if alike[0] else said


def _chances(ranking: Sequence[str], shown: frozenset[str]) -> dict[str, float]:
    """The chance of each document that is not shown yet; they add up to 1."""
    weights = {
        doc_id: rank**-STEEPNESS
        for rank, doc_id in enumerate(dict.fromkeys(ranking), start=1)
        if doc_id not in shown
    }
    total = sum(weights.values())
    return {doc_id: weight / total for doc_id, weight in weights.items()}


def _draw(chances: Mapping[str, float], at: float) -> str:
    """The document in whose part of [0, 1) `at` lies."""
    drawn = ""
    for doc_id, chance in chances.items():
        drawn, at = doc_id, at - chance
        if at < 0:
            break
    return drawn


_METHODS: Mapping[InterleavingMethod, Callable[..., Interleaved]] = MappingProxyType(
    {"team-draft": team_draft, "probabilistic": probabilistic}
)
