"""What the gate promises of chance and of power, held against draws of which the truth is known.

    python -m benchmarks.spending

A query has one answer, at a rank of its own by either encoder: its difference in nDCG@10 is 0 for
six in ten, and for the others either way equally likely where the encoders are equally good. By how
much a candidate is better is how much more often it is the better way.

Sequences of a hundred equal candidates are judged on one split each, by the gate's own test and
levels, and by those of other rules; so are candidates that are better by what is detectable. Slices
are corrected by Holm's rule and by that of Benjamini and Hochberg, for changes either way and for
falls.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.record import Table, Target, machine_facts, record
from molt.index.catalog.judging.accounts import Spending
from molt.training.evaluation.power import detectable
from molt.training.evaluation.significance import (
    Sampling,
    benjamini_hochberg,
    holm,
    of_falls,
    paired_test,
)
from molt.training.spending import level_of

Values = npt.NDArray[np.float64]

ALPHA = 0.05
SEQUENCES = 1000
RETRAINS = 100
QUERIES = 100
TIES = 0.6
ALIKE = 0.8
"""The share of queries that a candidate answers as the one before it, where they are alike."""
FIRST = 10
"""Attempts over which rules are compared."""
MARGIN = 0.02
"""By so much a slice may fall."""
_CHUNK = 500
_COARSE = Sampling(permutations=2_000)
_FINE = Sampling(permutations=100_000)
_FINEST = Sampling(permutations=500_000)
_REFINED = 0.004
_GAINS = np.array([1 / math.log2(1 + rank) for rank in range(1, 11)] + [0.0])


def sizes(random: np.random.Generator, shape: tuple[int, ...]) -> Values:
    """By how much nDCG@10 of a query may change, either way."""
    ranks = np.minimum(random.geometric(0.25, (2, *shape)) - 1, len(_GAINS) - 1)
    before, after = _GAINS[ranks]
    changed = random.random(shape) >= TIES
    return np.where(changed, np.abs(before - after), 0.0)


def differences(
    random: np.random.Generator, shape: tuple[int, ...], *, mean: float | Values = 0.0
) -> Values:
    """Differences of queries whose true mean is `mean`, which may be one for each column."""
    size = sizes(random, shape)
    tilt = np.clip(np.asarray(mean) / EXPECTED, -1, 1)
    return size * np.where(random.random(shape) < (1 + tilt) / 2, 1, -1)


EXPECTED = float(sizes(np.random.default_rng(99), (1_000_000,)).mean())


def p_values(columns: Values, fine: Sampling) -> Values:
    """The gate's p of each column `(n, m)`; of more permutations where it is small."""
    chunks = range(0, columns.shape[1], _CHUNK)
    coarse = [
        paired_test(columns[:, at : at + _CHUNK], sampling=replace(_COARSE, seed=at))
        for at in chunks
    ]
    p = np.concatenate([np.array(one) for one in coarse])
    small = np.flatnonzero(p < _REFINED)
    for at in range(0, len(small), _CHUNK):
        some = small[at : at + _CHUNK]
        p[some] = paired_test(columns[:, some], sampling=replace(fine, seed=at + 1))
    return p


@dataclass(frozen=True)
class Judged:
    """Candidates `(sequences, retrains)`: the p of each, its mean and its t."""

    p: Values
    mean: Values
    t: Values


def judge(draws: Iterator[Values], retrains: int, fine: Sampling = _FINE) -> Judged:
    """Judge sequences, each of differences `(n, retrains)`."""
    columns = np.concatenate(list(draws), axis=1)
    mean, n = columns.mean(axis=0), len(columns)
    t = mean / np.maximum(columns.std(axis=0, ddof=1) / math.sqrt(n), 1e-12)
    return Judged(*(each.reshape(-1, retrains) for each in (p_values(columns, fine), mean, t)))


def null_sequences(random: np.random.Generator, *, alike: float) -> Iterator[Values]:
    """Equal candidates; each answers a share of the queries as the one before it did."""
    for _ in range(SEQUENCES):
        drawn = differences(random, (QUERIES, RETRAINS))
        for at in range(1, RETRAINS):
            same = random.random(QUERIES) < alike
            drawn[same, at] = drawn[same, at - 1]
        yield drawn


Levels = Callable[[int], float]
"""The two-sided level of an attempt after others that were refused."""


def spent(attempt: int) -> float:
    """The gate's."""
    return level_of(attempt, None, alpha=ALPHA)


RULES: Mapping[str, Levels] = {
    "alpha each time": lambda _: ALPHA,
    "2 alpha / (k (k + 1)), the gate's": spent,
    "6 alpha / (pi k)^2": lambda k: ALPHA * 6 / (math.pi * k) ** 2,
    "12 alpha / (pi k)^2, at most alpha": lambda k: min(ALPHA, ALPHA * 12 / (math.pi * k) ** 2),
    "4 alpha / ((k + 1) (k + 2))": lambda k: 4 * ALPHA / ((k + 1) * (k + 2)),
    "2 alpha / 100": lambda _: 2 * ALPHA / RETRAINS,
}


def promoted(judged: Judged, levels: Levels) -> npt.NDArray[np.bool_]:
    """Which candidates a rule promotes, each as if all before it had been refused."""
    wanted = np.array([levels(k) for k in range(1, judged.p.shape[1] + 1)])
    return np.asarray((judged.p < wanted) & (judged.mean > 0))


def by_evidence(judged: Judged, spread: float = 10.0) -> npt.NDArray[np.bool_]:
    """Promotions by e-values that are weighted by 1 / (k (k + 1)): a normal mixture over t."""
    attempts = np.arange(1, judged.t.shape[1] + 1)
    log_e = judged.t**2 * spread / (2 * (1 + spread)) - math.log(1 + spread) / 2
    asked = np.log(attempts * (attempts + 1) / (2 * ALPHA))
    return np.asarray((log_e >= asked) & (judged.mean > 0))


def compared_rules(random: np.random.Generator) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """For each rule how often chance promotes, and how often a better candidate is promoted."""
    nulls = {
        "apart": judge(null_sequences(random, alike=0.0), RETRAINS, _FINEST),
        "alike": judge(null_sequences(random, alike=ALIKE), RETRAINS, _FINEST),
    }
    deviation = float(np.std(differences(random, (1_000_000,))))
    seen = detectable(deviation, QUERIES, level=ALPHA)
    better = {
        times: judge(iter([differences(random, (QUERIES, 4000), mean=times * seen)]), FIRST)
        for times in (1.0, 1.5)
    }
    decide = {
        name: (lambda one, levels=levels: promoted(one, levels)) for name, levels in RULES.items()
    }
    decide["e-values"] = by_evidence
    rows = []
    for name, rule in decide.items():
        row: dict[str, Any] = {"rule": name}
        for kind, judged in nulls.items():
            row[f"sequences that promote, {kind}"] = float(rule(judged).any(axis=1).mean())
        for times, judged in better.items():
            found = rule(judged).mean(axis=0)
            row[f"power at {times:g} x detectable, first"] = float(found[0])
            row[f"first {FIRST}, x {times:g}"] = float(found.mean())
        rows.append(row)
        print(row, flush=True)
    own = rows[1]
    worst = max(value for key, value in own.items() if key.startswith("sequences"))
    return rows, {"worst": worst}


def passed_on(random: np.random.Generator) -> list[dict[str, Any]]:
    """Sequences of twenty of which some are better: how many of those are promoted, how many not.

    With the gate's levels, and with those that an attempt which showed a gain does not pass on.
    """
    sequences, retrains = 2000, 20
    deviation = float(np.std(differences(random, (1_000_000,))))
    seen = 1.5 * detectable(deviation, QUERIES, level=ALPHA)
    rows = []
    for share in (0.2, 0.5):
        good = random.random((sequences, retrains)) < share
        draws = differences(
            random, (QUERIES, sequences * retrains), mean=np.where(good, seen, 0.0).ravel()
        )
        judged = judge(iter([draws]), retrains)
        for name, passes in (("passed on", True), ("kept", False)):
            taken = np.array(
                [
                    list(_sequence(p, mean, passes))
                    for p, mean in zip(judged.p, judged.mean, strict=True)
                ]
            )
            rows.append(
                {
                    "share of better ones": share,
                    "level of a gain": name,
                    "better ones promoted": float(taken[good].mean()),
                    "sequences that promote an equal one": float(
                        (taken & ~good).any(axis=1).mean()
                    ),
                }
            )
            print(rows[-1], flush=True)
    return rows


def _sequence(p: Values, mean: Values, passes: bool) -> Iterator[bool]:  # noqa: FBT001
    former: Spending | None = None
    for attempt, (one, change) in enumerate(zip(p, mean, strict=True), start=1):
        level = level_of(attempt, former if passes else None, alpha=ALPHA)
        gained = bool(one < level and change > 0)
        former = Spending(1, attempt, level, "", "", "", datetime.now(UTC), gained)
        yield gained


def detected(random: np.random.Generator) -> list[dict[str, Any]]:
    """How often a candidate is promoted that is better by what the report of an equal one said."""
    rows = []
    for n in (30, 100, 300):
        for attempt in (1, 3):
            level = spent(attempt)
            said = np.array(
                [
                    detectable(float(column.std(ddof=1)), n, level=level)
                    for column in differences(random, (1000, n))
                ]
            )
            columns = differences(random, (n, 1000), mean=said)
            sampling = Sampling().at(level)
            found = [
                p
                for at in range(0, 1000, _CHUNK)
                for p in paired_test(columns[:, at : at + _CHUNK], sampling=sampling)
            ]
            shown = (np.array(found) < level) & (columns.mean(axis=0) > 0)
            rows.append(
                {
                    "queries": n,
                    "level": level,
                    "said to be detectable, mean": float(said.mean()),
                    "detected": float(shown.mean()),
                }
            )
            print(rows[-1], flush=True)
    return rows


SLICES = 20
REPORTS = 1000
IN_EACH = (25, 150)
"""Queries of a slice."""
OVERLAPPING = "equal everywhere, each query in two slices"
CANDIDATES: Mapping[str, tuple[float, int, float]] = {
    "equal everywhere": (0.0, 0, 0.0),
    OVERLAPPING: (0.0, 0, 0.0),
    "better in 15 slices, equal in 5": (4.0, 5, 0.0),
    "better in 19, worse in 1": (4.0, 1, -3.0),
    "equal in 19, worse in 1": (0.0, 1, -3.0),
    "equal in 16, worse in 4": (0.0, 4, -2.5),
    "better in 16, worse in 4": (4.0, 4, -2.5),
}
"""The gain of most slices, how many are otherwise, and theirs, in standard errors of a slice."""
Correct = Callable[[list[float], list[float]], list[float]]
CORRECTIONS: Mapping[str, Correct] = {
    "Holm, either way": lambda p, _: holm(p),
    "Benjamini-Hochberg, either way": lambda p, _: benjamini_hochberg(p),
    "Benjamini-Hochberg, one-sided": lambda p, means: benjamini_hochberg(
        [one / 2 if mean < 0 else 1 - one / 2 for one, mean in zip(p, means, strict=True)]
    ),
    "Benjamini-Hochberg, those that fell (the gate's)": of_falls,
}
OWN = f"refused, {list(CORRECTIONS)[-1]}"


def corrected_slices(random: np.random.Generator) -> list[dict[str, Any]]:
    """How often a candidate is refused for a slice, by each correction."""
    deviation = float(np.std(differences(random, (1_000_000,))))
    rows = []
    for n, (name, (most, few, theirs)) in product(IN_EACH, CANDIDATES.items()):
        gains = np.where(np.arange(SLICES) < few, theirs, most) * deviation / math.sqrt(n)
        drawn = differences(random, (n, REPORTS * SLICES), mean=np.tile(gains, REPORTS))
        if name == OVERLAPPING:
            drawn = cut_twice(random, drawn)
        means = drawn.mean(axis=0).reshape(REPORTS, SLICES)
        p = np.array(paired_in_chunks(drawn)).reshape(REPORTS, SLICES)
        row: dict[str, Any] = {
            "queries of a slice": n,
            "candidate": name,
            "should be": "refused" if theirs < 0 else "let pass",
        }
        for correction, correct in CORRECTIONS.items():
            found = np.array(
                [correct(*each) for each in zip(p.tolist(), means.tolist(), strict=True)]
            )
            refused = ((found < ALPHA) & (means < -MARGIN)).any(axis=1)
            row[f"refused, {correction}"] = float(refused.mean())
        rows.append(row)
        print(rows[-1], flush=True)
    return rows


def cut_twice(random: np.random.Generator, drawn: Values) -> Values:
    """The first half of the slices of each report, and their queries in other slices."""
    n = len(drawn)
    first = drawn.reshape(n, REPORTS, SLICES)[:, :, : SLICES // 2]
    queries = first.transpose(1, 0, 2).reshape(REPORTS, -1)
    again = random.permuted(queries, axis=1).reshape(REPORTS, n, SLICES // 2).transpose(1, 0, 2)
    return np.concatenate([first, again], axis=2).reshape(n, -1)


def paired_in_chunks(columns: Values) -> list[float]:
    """The p of each column, of permutations enough for the correction of `SLICES`."""
    sampling = Sampling(permutations=8_000)
    chunks = range(0, columns.shape[1], _CHUNK)
    return [
        p
        for at in chunks
        for p in paired_test(columns[:, at : at + _CHUNK], sampling=replace(sampling, seed=at))
    ]


def main() -> None:
    """Draw, judge and record."""
    machine = machine_facts()
    random = np.random.default_rng(0)
    slices = corrected_slices(random)
    shown = detected(random)
    fallback = passed_on(random)
    rules, own = compared_rules(random)
    record(
        "spending",
        machine=machine,
        targets=[
            Target("sequences of 100 equal candidates that promote one", own["worst"], "<=", ALPHA),
            Target(
                "what is detectable is detected, least",
                min(one["detected"] for one in shown),
                ">=",
                0.75,
            ),
            Target(
                "what is detectable is detected, most",
                max(one["detected"] for one in shown),
                "<=",
                0.9,
            ),
            Target(
                "candidates that harm no slice and are refused for one, most (bound: 5 % and two "
                "standard errors of the draw)",
                max(one[OWN] for one in slices if one["should be"] == "let pass"),
                "<=",
                ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / REPORTS),
            ),
        ],
        tables=[
            Table("Rules by which candidates on one split share a level", rules),
            Table("Whether a gain passes its level on", fallback),
            Table("What is said to be detectable", shown),
            Table("Corrections of slices", slices),
        ],
        details={"sequences": SEQUENCES, "retrains": RETRAINS, "queries": QUERIES, "ties": TIES},
    )


if __name__ == "__main__":
    main()
