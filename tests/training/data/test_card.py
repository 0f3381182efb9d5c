import json
from dataclasses import replace
from pathlib import Path

import pytest

from molt.index.catalog.judgments import Judgment, Query
from molt.training.data.card import DataCard, write_card
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Example, Task, TaskKind
from molt.training.data.distribution import measure_task
from molt.training.data.prepare import prepare
from molt.training.data.raw import Origin
from tests.training.data.raws import three_splits


@pytest.fixture
def card() -> DataCard:
    """Of data with a stray judgment, a second answer, and bad rows in its one file."""
    raw = three_splits()
    more = (Judgment("q0", "d1", 2, "train"), Judgment("a|b\n# c", "d1", 1))
    raw = replace(
        raw,
        judgments=(*raw.judgments, *more),
        origins=(Origin("qrels.tsv", "ab" * 32, rows=980, rejected=30),),
        rejected=tuple(f"qrels.tsv:{line}: is bad" for line in range(30)),
    )
    return prepare(raw, config=DataConfig())[1]


def test_the_steps_count_what_was_there_before_and_after(card: DataCard) -> None:
    steps = [(step.step, step.documents, step.queries, step.judgments) for step in card.steps]
    assert steps == [("read", 10, 10, 12), ("cleaned", 10, 10, 11), ("split", 10, 10, 11)]


def test_what_was_dropped_is_there_with_its_reason_and_examples(card: DataCard) -> None:
    (found,) = card.dropped
    assert (found.what, found.why, found.count) == ("judgments", "of an unknown query", 1)


def test_the_splits_have_their_grades_and_answers(card: DataCard) -> None:
    train = card.splits["train"]
    assert train.grades == {"1": 4, "2": 1}
    assert train.relevant_per_query == {"1": 3, "2": 1}
    assert (train.queries, train.judgments) == (4, 5)


def test_the_lengths_are_quantiles(card: DataCard) -> None:
    words = card.lengths["documents"].words
    assert (words["0"], words["50"], words["100"]) == (3, 3, 3)
    characters = card.lengths["queries"].characters
    assert (characters["0"], characters["100"]) == (len("what is fern"), len("what is birch"))


def test_the_tasks_have_their_weights(card: DataCard) -> None:
    (judgments, grades) = card.tasks
    assert (judgments.name, judgments.examples, judgments.queries) == ("judgments", 5, 4)
    assert judgments.weights["0"] < 1 < judgments.weights["100"]
    assert grades.kind == "scored"


def test_unequal_weights_make_a_task_effectively_smaller() -> None:
    examples = (Example("a", "b", weight=0.5), Example("c", "d", weight=1.5))
    assert measure_task(Task("x", TaskKind.POSITIVES, examples)).effective == 1.6


def test_both_files_are_written_and_the_json_is_the_card(card: DataCard, tmp_path: Path) -> None:
    write_card(card, tmp_path)
    assert json.loads((tmp_path / "card.json").read_text()) == json.loads(
        json.dumps(card.to_json())
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "card.md"]


def test_the_text_says_what_the_card_says(card: DataCard, tmp_path: Path) -> None:
    write_card(card, tmp_path)
    text = (tmp_path / "card.md").read_text()
    for line in (
        f"Dataset `{card.digest}`",
        "| `qrels.tsv` | 980 | 30 | `abababababababab…` |",
        "- qrels.tsv:19: is bad",
        "- and 10 more in `card.json`",
        "| read | 10 | 10 | 12 | 0 | 0 | 0 |",
        "- 1 judgments: of an unknown query",
        "  - a\\|b # c",
        "| train | 4 | 5 | 1: 4; 2: 1 | 1: 3; 2: 1 |",
        "| near_duplicate | 0.9 |",
    ):
        assert line in text.splitlines(), line
    assert "qrels.tsv:20:" not in text
    assert "No two are equal or share 90% of their words." in text


def test_no_text_of_a_user_breaks_a_table_of_the_card(tmp_path: Path) -> None:
    raw = three_splits()
    evil = Query("x", "| <script>alert(1)</script> |")
    write_card(
        prepare(replace(raw, queries=(*raw.queries, evil)), config=DataConfig())[1], tmp_path
    )
    text = (tmp_path / "card.md").read_text()
    assert "  - x: \\| &lt;script>alert(1)&lt;/script> \\|" in text.splitlines()
