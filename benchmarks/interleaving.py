"""In how many queries does an experiment find that a ranking is worse, and how often by mistake?

    python -m benchmarks.interleaving

Rankings and users are drawn. Each query has 60 candidates, of which some are relevant; arm A ranks
them by a score that knows this and errs, arm B errs more, by so much that its mean nDCG@10 is 0.02
lower. That is so in three ways: B is A with a little noise in every query (`spread`), B is A but
for a few queries in which it fails (`concentrated`), or both have noise of their own, as encoders
of different training have (`independent`). Equal arms have noise of their own and as much of it.

A `hasty` user looks at the n-th hit with a chance of 1/n, a `patient` one at all ten; either clicks
on what is looked at with a chance of 0.8 where it is relevant and 0.1 where it is not. The test is
looked at after every query, also after those without a click, which count among the queries and
say nothing. `z if judged` is how many standard errors the difference in nDCG@10 is from 0 where as
many queries are judged completely: below 4 a test of this level that may stop at any time could not
find it in nine of ten runs, whatever users did. Beside the default, other ways are judged where B
fails in a few queries: the other method, and the textbook's credit, which team has more clicks.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.record import Table, Target, machine_facts, record
from molt.engine.watch.experiments.evidence import Evidence
from molt.engine.watch.experiments.interleaving import (
    Interleaved,
    InterleavingMethod,
    credit_of,
    interleave,
)

CANDIDATES = 60
K = 10
PLANTED = 0.02
LEVEL = 0.05
OWN_NOISE = 0.5
FAILING = 3.0
"""The noise of arm B in queries in which it fails."""
_SAMPLE = 20_000
_BLOCK = 250
_IDS = [str(number) for number in range(CANDIDATES)]
_DISCOUNTS = 1 / np.log2(np.arange(2, K + 2))
_USERS = {"hasty": 1 / np.arange(1, K + 1), "patient": np.ones(K)}

Values = npt.NDArray[np.float64]
Scores = tuple[Values, Values, Values]
"""Of some queries the grades of the candidates and their scores by either arm, each `(n, 60)`."""
Draw = Callable[[np.random.Generator, int, float], Scores]


def base(random: np.random.Generator, n: int) -> tuple[Values, Values]:
    """Grades of 0 and 1, 1 to 8 of the latter, and a score that knows them and errs."""
    relevant = np.minimum(random.geometric(0.4, (n, 1)), 8)
    grades = (np.arange(CANDIDATES) < relevant).astype(np.float64)
    return grades, 2.0 * grades + random.standard_normal((n, CANDIDATES))


def spread(random: np.random.Generator, n: int, noise: float) -> Scores:
    """B is A with `noise` in every query."""
    grades, scores = base(random, n)
    return grades, scores, scores + noise * random.standard_normal(scores.shape)


def concentrated(random: np.random.Generator, n: int, share: float) -> Scores:
    """B is A but for a `share` of the queries."""
    grades, scores = base(random, n)
    failing = random.random((n, 1)) < share
    return grades, scores, scores + FAILING * failing * random.standard_normal(scores.shape)


def independent(random: np.random.Generator, n: int, more: float) -> Scores:
    """Both have noise of their own, B so much `more`."""
    grades, scores = base(random, n)
    a, b = random.standard_normal((2, *scores.shape))
    return grades, scores + OWN_NOISE * a, scores + (OWN_NOISE + more) * b


def ndcg(grades: Values, scores: Values) -> Values:
    """nDCG@10 of each query."""
    best = np.argsort(-scores, axis=1)[:, :K]
    gains = (np.take_along_axis(grades, best, axis=1) * _DISCOUNTS).sum(axis=1)
    ideal = (-np.sort(-grades, axis=1)[:, :K] * _DISCOUNTS).sum(axis=1)
    return np.asarray(gains / ideal)


def calibrated(draw: Draw, *, most: float) -> float:
    """The strength at which B is `PLANTED` worse on the mean, by bisection."""
    low, high = 0.0, most
    for _ in range(20):
        middle = (low + high) / 2
        grades, a, b = draw(np.random.default_rng(7), _SAMPLE, middle)
        worse = float((ndcg(grades, a) - ndcg(grades, b)).mean())
        low, high = (middle, high) if worse < PLANTED else (low, middle)
    return high


@dataclass(frozen=True)
class Way:
    """A method with a credit, `own` or that of `teams`, and whose clicks it sees."""

    method: InterleavingMethod = "team-draft"
    credit: str = "own"
    user: str = "hasty"

    def outcome(self, drawn: Interleaved, clicked: Sequence[str]) -> tuple[float, float, float]:
        if self.credit == "own":
            return credit_of(dict(zip(drawn.shown, drawn.credits, strict=True)), clicked)
        teams = dict(zip(drawn.shown, drawn.teams, strict=True))
        for_a = sum(teams[doc_id] == "a" for doc_id in clicked)
        for_b = len(clicked) - for_a
        return for_a, for_b, float(np.sign(for_b - for_a))


DEFAULTS = tuple(Way(user=user) for user in _USERS)
OTHERS = (
    Way(credit="teams"),
    Way("probabilistic"),
    Way("probabilistic", credit="teams"),
)
FEW = 60
"""Runs of each other way."""


def decided(draw: Draw, strength: float, way: Way, *, seed: int, queries: int) -> tuple[str, int]:
    """The arm that one experiment found to be better, "" for none, and after how many queries."""
    random, evidence = np.random.default_rng(seed), Evidence()
    for start in range(0, queries, _BLOCK):
        grades, *arms = draw(random, _BLOCK, strength)
        a, b = (np.argsort(-scores, axis=1)[:, : K + 1] for scores in arms)
        chances = random.random((_BLOCK, K))
        for at in range(_BLOCK):
            ranked = [[_IDS[one] for one in arm[at]] for arm in (a, b)]
            coin = int(random.integers(2**63))
            drawn = interleave(way.method, *ranked, k=K, seed=coin)
            liked = grades[at][[int(one) for one in drawn.shown]]
            clicks = chances[at] < _USERS[way.user] * np.where(liked > 0, 0.8, 0.1)
            clicked = [one for one, click in zip(drawn.shown, clicks, strict=True) if click]
            if not clicked:
                continue
            evidence = evidence.after(*way.outcome(drawn, clicked))
            better = evidence.better(level=LEVEL)
            if better is not None:
                return better, start + at + 1
    return "", queries


def row_of(name: str, draw: Draw, strength: float, way: Way, given: argparse.Namespace) -> Any:
    """What came of all runs of one kind."""
    runs = given.pairs if name == "equal" else given.runs
    if way in OTHERS:
        runs = min(runs, FEW)
    found = [
        decided(draw, strength, way, seed=given.seed + run, queries=given.queries)
        for run in range(runs)
    ]
    grades, a, b = draw(np.random.default_rng(8), _SAMPLE, strength)
    difference = ndcg(grades, a) - ndcg(grades, b)
    when = [n for better, n in found if better == "a"]
    row = {
        "arms": name,
        "method": way.method,
        "credit": way.credit,
        "users": way.user,
        "nDCG@10 of a": float(ndcg(grades, a).mean()),
        "of b": float(ndcg(grades, b).mean()),
        "z if judged": float((difference.mean() / difference.std()) * given.queries**0.5),
        "alike": float((np.argsort(-a)[:, :K] == np.argsort(-b)[:, :K]).all(axis=1).mean()),
        "runs": runs,
        "a is better": len(when) / runs,
        "b is better": sum(better == "b" for better, _ in found) / runs,
        "median queries": median(when) if when else None,
    }
    print(row, flush=True)
    return row


def main() -> None:
    """Draw, judge and record."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=200, help="with a planted difference")
    options.add_argument("--pairs", type=int, default=100, help="of equal arms")
    options.add_argument("--queries", type=int, default=2000, help="of one run, at most")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    machine = machine_facts()
    kinds: dict[str, tuple[Draw, float]] = {
        "spread": (spread, calibrated(spread, most=3.0)),
        "concentrated": (concentrated, calibrated(concentrated, most=1.0)),
        "independent": (independent, calibrated(independent, most=3.0)),
        "equal": (independent, 0.0),
    }
    own = [row_of(name, *kind, way, given) for way in DEFAULTS for name, kind in kinds.items()]
    concentrated_few = ("concentrated", *kinds["concentrated"])
    rows = own + [row_of(*concentrated_few, way, given) for way in OTHERS]
    targets = [
        Target(
            f"{row['arms']}, {row['users']} users: 0.02 nDCG@10 found in {given.queries} queries, "
            "share of runs",
            row["a is better"],
            ">=",
            0.9,
        )
        for row in own
        if row["arms"] != "equal"
    ]
    alarms = max(r["a is better"] + r["b is better"] for r in own if r["arms"] == "equal")
    targets.append(Target("equal: false alarms, share of pairs", alarms, "<=", 0.05))
    details = {"strengths": {name: strength for name, (_, strength) in kinds.items()}}
    tables = [Table("Each", rows)]
    record("interleaving", machine=machine, targets=targets, tables=tables, details=details)


if __name__ == "__main__":
    main()
