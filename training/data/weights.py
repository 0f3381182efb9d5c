"""Weights: how often an example is drawn, so that few queries and grades do not rule the rest.

Logarithmic scaling. Of a query with n examples each counts `(1 + ln n) / n`, so all of them count
`1 + ln n` together. A grade that has r times its even share of the examples (r = p L, with the
share p, of L different grades) counts `(1 + ln r) / r` where r > 1, and 1 elsewhere: what is common
is damped, and what is rare is never multiplied. The weight is the product, over its mean.
"""

import math
from collections import Counter
from collections.abc import Sequence

_DIGITS = 6  # the same on every machine


def weigh(queries: Sequence[str], grades: Sequence[float] | None = None) -> list[float]:
    """The weight of each example, 1 on average, by its query and, where given, its grade."""
    examples = Counter(queries)
    weights = [_damp(examples[query]) for query in queries]
    if grades is not None:
        counts = Counter(grades)
        even = len(grades) / max(1, len(counts))
        weights = [
            weight * _damp(max(1.0, counts[grade] / even))
            for weight, grade in zip(weights, grades, strict=True)
        ]
    mean = math.fsum(weights) / max(1, len(weights))
    return [round(weight / mean, _DIGITS) for weight in weights]


def _damp(times: float) -> float:
    return (1 + math.log(times)) / times
