import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molt.index.catalog.document import Document
from molt.training.data.dataset import Corpus, Example, Split, Task, TaskKind
from molt.training.fit.batches import Batches, Plan, draw
from molt.training.fit.config import Objective
from molt.training.fit.negatives import Mined, knowledge_of
from molt.training.fit.rows import Rows

TEXTS = tuple(f"text {at}" for at in range(12))
CORPUS = Corpus(tuple(Document(f"d{at}", text) for at, text in enumerate(TEXTS)), TEXTS)


def batches(examples: list[Example], **plan: int) -> Batches:
    task = Task("judgments", TaskKind.POSITIVES, tuple(examples))
    rows = Rows(task, Objective.INFONCE, CORPUS)
    count = len(examples)
    rows.mined = Mined(
        documents=np.zeros((count, 0), np.int64),
        difficulty=np.arange(count, dtype=np.float32),
    )
    settings = {"rows_per_epoch": count, "batch_size": 4, "curriculum_epochs": 0, "seed": 0}
    return Batches(
        rows,
        plan=Plan(**settings | plan),
        knowledge=knowledge_of(Split({}, {}), [task], CORPUS),
    )


def example(query: int, document: int, weight: float = 1.0) -> Example:
    return Example(f"query {query}", TEXTS[document], weight=weight, doc_id=f"d{document}")


def test_an_epoch_has_every_row_of_equal_weight_once() -> None:
    found = list(batches([example(at, at) for at in range(10)]))
    assert sorted(row for batch in found for row in batch) == list(range(10))
    assert [len(batch) for batch in found] == [4, 4, 2]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    examples = [example(at, at) for at in range(12)]
    first, again, other = batches(examples), batches(examples), batches(examples, seed=1)
    assert list(first) == list(again)
    assert list(first) != list(other)
    again.set_epoch(1)
    assert list(first) != list(again)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 11)), min_size=1, max_size=40))
def test_no_text_of_a_batch_answers_another_of_its_queries(pairs: list[tuple[int, int]]) -> None:
    examples = [example(*pair) for pair in pairs]
    answers: dict[str, set[str]] = {}
    for one in examples:
        answers.setdefault(one.query, set()).add(one.document)
    for batch in batches(examples):
        queries = [examples[row].query for row in batch]
        assert len(set(queries)) == len(queries)
        for row in batch:
            others = {examples[other].document for other in batch if other != row}
            assert not others & answers[examples[row].query]


def test_there_are_never_more_batches_than_the_length_says() -> None:
    same = batches([example(0, at % 12) for at in range(9)])
    assert len(list(same)) == len(same) == 3


def test_a_curriculum_begins_with_the_easiest_half() -> None:
    found = batches([example(at, at) for at in range(12)], curriculum_epochs=2)
    assert {row for batch in found for row in batch} == set(range(6))
    found.set_epoch(2)
    assert {row for batch in found for row in batch} == set(range(12))


def test_rows_are_drawn_as_often_as_their_weight_says() -> None:
    weights = np.array([3.0, 0.5, 0.5, 0.0])
    drawn = draw(weights, size=400, random=np.random.default_rng(0))
    assert np.bincount(drawn, minlength=4).tolist() == [300, 50, 50, 0]
