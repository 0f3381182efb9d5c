"""What docs/training-data.md says is what there is, and all of it."""

import re
from pathlib import Path

import pytest

from molt.index.files.judged import names as file_names
from molt.index.files.judged import pairs
from molt.index.files.judged.scores import LABELS
from molt.index.files.part import RecordKind
from molt.training.data import tasks
from molt.training.data.card import write_data_card
from molt.training.data.config import DataConfig
from molt.training.data.prepare import prepare
from molt.training.data.sources import read_files
from tests.paths import DOCS
from tests.training.data.raws import three_splits

PAGE = (DOCS / "training-data.md").read_text()


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \| ", PAGE, re.MULTILINE))
    defaults = {name: str(getattr(DataConfig(), name)) for name in DataConfig.model_fields}
    assert {name: documented.get(name) for name in defaults} == defaults


def test_every_task_is_documented() -> None:
    names = (tasks.JUDGMENTS, tasks._GRADES, tasks.PAIRS, tasks.TRIPLETS, tasks.SCORES)
    found = re.findall(r"^\| `(\w+)` \| (?:positives|scored|triplets) \|", PAGE, re.MULTILINE)
    assert tuple(found) == names


def test_every_name_that_tells_a_kind_is_documented() -> None:
    for name in file_names._WORDS[RecordKind.PAIRS]:
        assert f"`{name}`" in PAGE


def test_every_label_in_words_is_documented_with_its_score() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|$", PAGE, re.MULTILINE))
    assert {word: float(score) for word, score in documented.items()} == LABELS


@pytest.mark.parametrize(
    "names", ["ASKED", "POSITIVES", "NEGATIVES", "SECOND_TEXTS", "SCORE_NAMES"]
)
def test_every_name_of_a_column_of_texts_is_documented(names: str) -> None:
    known = getattr(pairs, names)
    assert f"| {', '.join(f'`{name}`' for name in known)} |" in PAGE


def test_every_section_of_the_card_is_documented(tmp_path: Path) -> None:
    write_data_card(prepare(three_splits(), config=DataConfig())[1], tmp_path)
    sections = re.findall(r"^## (.+)$", (tmp_path / "card.md").read_text(), re.MULTILINE)
    for section in set(sections) - {"Configuration"}:
        assert f"| {section} |" in PAGE, section


@pytest.mark.parametrize("name", ["qrels.csv", "pairs.jsonl", "triplets.csv", "scores.csv"])
def test_every_example_is_read_whole(tmp_path: Path, name: str) -> None:
    (block,) = re.findall(rf"```\n{re.escape(name)}\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / name).write_text(block)
    raw = read_files([tmp_path / name])
    (origin,) = raw.origins
    assert raw.rejected == ()
    assert origin.rows == len(block.splitlines()) - name.endswith(".csv")
