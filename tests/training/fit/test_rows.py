import numpy as np
import pytest

from molt.encoder import Checkpoint
from molt.index.catalog.document import Document
from molt.training.data.dataset import Corpus, Example, Task, TaskKind
from molt.training.errors import FitError
from molt.training.fit.config import Objective, ObjectiveConfig
from molt.training.fit.hardware import Hardware
from molt.training.fit.learner import open_learner
from molt.training.fit.losses import build_loss, choose_objective
from molt.training.fit.negatives import Mined
from molt.training.fit.rows import RowOrder, prompts

TEXTS = ("one", "two", "three")
CORPUS = Corpus(tuple(Document(f"d{at}", text) for at, text in enumerate(TEXTS)), TEXTS)
MINED = Mined(documents=np.array([[1, 2], [2, 0]]), difficulty=np.zeros(2, dtype=np.float32))


def rows(kind: TaskKind, objective: Objective, *examples: Example) -> RowOrder:
    return RowOrder(Task("task", kind, examples), objective, CORPUS, mined=MINED)


def test_a_positive_comes_with_its_mined_negatives() -> None:
    two = rows(TaskKind.POSITIVES, Objective.INFONCE, Example("q", "one"), Example("r", "two"))
    assert two.dataset[[0, 1]] == {
        "anchor": ["q", "r"],
        "positive": ["one", "two"],
        "negative_0": ["two", "three"],
        "negative_1": ["three", "one"],
    }


def test_a_row_read_after_mining_again_has_the_new_negatives() -> None:
    one = rows(TaskKind.POSITIVES, Objective.INFONCE, Example("q", "one"))
    one.mined = Mined(documents=np.array([[2]]), difficulty=np.zeros(1, dtype=np.float32))
    assert one.dataset[0] == {"anchor": "q", "positive": "one", "negative_0": "three"}


def test_a_triplet_keeps_the_negative_that_was_brought() -> None:
    one = rows(TaskKind.TRIPLETS, Objective.TRIPLET, Example("q", "one", negative="mine"))
    assert not one.wants_negatives
    assert one.dataset[0] == {"anchor": "q", "positive": "one", "negative_0": "mine"}


@pytest.mark.parametrize(
    ("objective", "labels"),
    [(Objective.COSENT, [0.5, 0.0]), (Objective.CONTRASTIVE, [1, 0])],
)
def test_a_grade_becomes_the_label_that_the_loss_takes(
    objective: Objective, labels: list[float]
) -> None:
    two = rows(
        TaskKind.SCORED,
        objective,
        Example("q", "one", score=0.5),
        Example("q", "two", score=0.0),
    )
    assert two.dataset[[0, 1]]["label"] == labels


def test_a_teacher_scores_the_positive_first_and_then_the_negatives() -> None:
    def teacher(queries: list[str], columns: list[list[str]]) -> np.ndarray:
        values = {"one": 0.9, "two": 0.2, "three": 0.1}
        assert queries == ["q"]
        return np.array([[values[text] for (text,) in columns]], dtype=np.float32)

    one = rows(TaskKind.POSITIVES, Objective.MARGIN_MSE, Example("q", "one"))
    one.teacher = teacher
    assert one.dataset[0]["label"] == pytest.approx([0.9, 0.2, 0.1])


def test_every_column_has_the_prompt_of_its_side() -> None:
    found = prompts(lambda input_type: f"{input_type.value}: ")
    assert found["anchor"] == "query: "
    assert found["positive"] == found["negative_3"] == "document: "


@pytest.mark.parametrize(("irrelevant", "chosen"), [(5, Objective.COSENT), (0, Objective.NONE)])
def test_grades_are_learnt_where_they_say_what_is_not_relevant(
    irrelevant: int, chosen: Objective
) -> None:
    examples = [Example("q", f"t{at}", score=0.0 if at < irrelevant else 0.5) for at in range(20)]
    task = Task("grades", TaskKind.SCORED, tuple(examples))
    assert choose_objective(task, ObjectiveConfig()) is chosen


def test_a_dimension_that_vectors_do_not_have_is_an_error(base: Checkpoint) -> None:
    hardware = Hardware(device="cpu", bf16=False, tokens=64)
    learner = open_learner(base.path, hardware=hardware, max_length=64)
    with pytest.raises(FitError, match="64 is not within 1 to 32"):
        build_loss(Objective.INFONCE, learner, ObjectiveConfig(matryoshka=(64,)))
