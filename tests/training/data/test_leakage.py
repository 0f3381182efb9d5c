from dataclasses import replace

import pytest

from molt.index.catalog.judgments import Query
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Dataset, Example, Split, Task, TaskKind
from molt.training.data.leakage import Leakage, check_leakage
from molt.training.data.prepare import prepare
from molt.training.errors import LeakageError
from tests.training.data.raws import three_splits


@pytest.fixture
def dataset() -> Dataset:
    return prepare(three_splits(), config=DataConfig())[0]


def test_what_was_compared_is_counted(dataset: Dataset) -> None:
    assert check_leakage(dataset, threshold=0.9) == Leakage(0.9, test=3, dev=3, train=4, tasks=4)


@pytest.mark.parametrize(
    ("split", "text", "named"),
    [
        ("train", "What is HAZEL?", "train and test"),
        ("train", "ember what is", "train and dev"),
        ("dev", "what is jade", "dev and test"),
    ],
)
def test_a_query_in_two_splits_is_found(
    dataset: Dataset, split: str, text: str, named: str
) -> None:
    part: Split = getattr(dataset, split)
    leaking = replace(part, queries={**part.queries, "x": Query("x", text)})
    with pytest.raises(LeakageError, match=f"1 queries are in both {named}"):
        check_leakage(replace(dataset, **{split: leaking}), threshold=0.9)


def test_a_task_that_learns_from_test_is_found(dataset: Dataset) -> None:
    task = Task("pairs", TaskKind.POSITIVES, (Example("What is jade?", "a stone"),))
    with pytest.raises(LeakageError, match="train and test"):
        check_leakage(replace(dataset, tasks=(*dataset.tasks, task)), threshold=0.9)
