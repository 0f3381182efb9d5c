"""Leakage: proof that nothing learnt from, or chosen by, is what will be judged by.

Looks at the finished dataset and nothing else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from molt.training.data.cleaning.near import NearIndex
from molt.training.data.cleaning.text import text_key
from molt.training.data.dataset import Dataset, Split
from molt.training.errors import LeakageError


@dataclass(frozen=True)
class Leakage:
    """What was compared: different queries of each split and task, none near one held out."""

    threshold: float
    test: int
    dev: int
    train: int
    tasks: int


def check_leakage(dataset: Dataset, *, threshold: float) -> Leakage:
    """Compare every query that is learnt from with all of dev and test, and dev with test.

    Raises `LeakageError` where two are equal, or share `threshold` of their words or more.
    """
    test, dev, train = (_keys(split) for split in (dataset.test, dataset.dev, dataset.train))
    tasks = {
        text_key(query)
        for query in {example.query for task in dataset.tasks for example in task.examples}
    }
    for name, held, others in (
        ("dev and test", test, dev),
        ("train and test", test, train | tasks),
        ("train and dev", dev, train | tasks),
    ):
        near = NearIndex(held, threshold=threshold)
        _refuse(name, ((key, twin) for key in sorted(others) for twin in islice(near.find(key), 1)))
    return Leakage(threshold, len(test), len(dev), len(train), len(tasks))


def _keys(split: Split) -> set[str]:
    return {text_key(query.text) for query in split.queries.values()}


def _refuse(name: str, twins: Iterable[tuple[str, str]]) -> None:
    found: Iterator[tuple[str, str]] = iter(twins)
    first = next(found, None)
    if first is not None:
        count = 1 + sum(1 for _ in found)
        raise LeakageError(
            f"{count} queries are in both {name}, or nearly so; the first is {first[0][:80]!r} "
            f"beside {first[1][:80]!r}. Prepare the data anew, and change no split by hand"
        )
