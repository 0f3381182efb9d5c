"""Evidence: a test that may be looked at after every query, of whether clicks favour one arm.

Pure arithmetic over outcomes in [-1, 1], one for each query, as `interleaving` makes them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from molt.engine.watch.experiments.interleaving import Team

BETS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9)
"""The parts of what a gambler has that are staked on every query.

Small ones find small differences in many queries, large ones what few queries tell clearly.
"""
_NOTHING_WON = (0.0,) * len(BETS)


@dataclass(frozen=True)
class Evidence:
    """What `counted` queries with clicks said: the credit of each arm, and what bets on it won.

    For each arm a gambler begins with 1 and bets on every query that this arm does better: at a
    stake of `s`, an outcome of `x` in its favour multiplies what it has by `1 + s x`. As long as
    the arm does not do better, that is a supermartingale whatever came before, and so is the mean
    over several stakes: the chance that it ever reaches `1 / level` is at most `level` (Ville's
    inequality, 1939; betting on the mean of bounded variables as in Waudby-Smith and Ramdas,
    Journal of the Royal Statistical Society B 86, 2024, section 4; the mixture over stakes is that
    of Robbins, 1970). `won_a` and `won_b` are natural logarithms, one for each of `BETS`.
    """

    counted: int = 0
    credit_a: float = 0.0
    credit_b: float = 0.0
    won_a: tuple[float, ...] = _NOTHING_WON
    won_b: tuple[float, ...] = _NOTHING_WON

    def after(self, for_a: float, for_b: float, outcome: float) -> "Evidence":
        """With one more query: its credits, and its `outcome` from -1, for A, to 1, for B."""
        return replace(
            self,
            counted=self.counted + 1,
            credit_a=self.credit_a + for_a,
            credit_b=self.credit_b + for_b,
            won_a=tuple(
                won + math.log1p(-stake * outcome)
                for won, stake in zip(self.won_a, BETS, strict=True)
            ),
            won_b=tuple(
                won + math.log1p(stake * outcome)
                for won, stake in zip(self.won_b, BETS, strict=True)
            ),
        )

    def log_e(self, arm: Team) -> float:
        """The natural logarithm of the e-value for "this arm does better than the other"."""
        won = self.won_a if arm == "a" else self.won_b
        most = max(won)
        return most + math.log(sum(math.exp(one - most) for one in won) / len(won))

    def better(self, *, level: float) -> Team | None:
        """The arm that is shown to do better, if one is; wrongly with a chance below `level`.

        The two directions share the level evenly, since both are looked at.
        """
        enough = math.log(2.0 / level)
        return next((arm for arm in _ARMS if self.log_e(arm) >= enough), None)

    def describe(self) -> dict[str, Any]:
        """As JSON, from which `read_evidence` makes it again exactly."""
        return {
            "counted": self.counted,
            "credit": [self.credit_a, self.credit_b],
            "won": [list(self.won_a), list(self.won_b)],
        }


def read_evidence(described: Mapping[str, Any]) -> Evidence:
    """What `describe` wrote; that of an experiment that has just begun is empty."""
    if not described:
        return Evidence()
    (credit_a, credit_b), (won_a, won_b) = described["credit"], described["won"]
    return Evidence(described["counted"], credit_a, credit_b, tuple(won_a), tuple(won_b))


def weighed(
    evidence: Evidence, outcomes: Iterable[tuple[float, float, float]], *, level: float
) -> tuple[Evidence, Team | None]:
    """The evidence with more queries, up to the one that decides, and the arm it is decided for."""
    better = evidence.better(level=level)
    for for_a, for_b, outcome in outcomes:
        if better is not None:
            break
        evidence = evidence.after(for_a, for_b, outcome)
        better = evidence.better(level=level)
    return evidence, better


_ARMS: tuple[Team, ...] = ("a", "b")
