"""`molt inspect`."""

import importlib.util
import json
from pathlib import Path

import pytest

from molt.cli import training
from molt.encoder import Checkpoint
from molt.training.data.dataset import Dataset
from molt.training.export import openvino
from tests.checkpoints import build_checkpoint
from tests.cli.conftest import Molt
from tests.training.letters import write_letters


@pytest.fixture(autouse=True)
def letters(
    home: Path, base: Checkpoint, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judged collection `letters`."""
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    home.mkdir()
    write_letters(home, base=base, dataset=dataset)


def test_a_checkpoint_is_looked_into_by_what_it_makes_of_a_collection(
    molt: Molt, base: Checkpoint, tmp_path: Path
) -> None:
    out = tmp_path / "seen"
    done = molt(
        "inspect", base.id[:10], "--collection", "letters", "--output", str(out), "--pairs", "3"
    )
    assert done.status == 0, done.stderr
    fields = dict(line.split("\t") for line in done.stdout.splitlines())
    assert fields["checkpoint"] == base.id
    assert fields["faithfulness of SHAP"].startswith("+0.")
    assert len(fields["AUC by layer"].split()) == 3
    assert f"Written to {out / 'inspection.html'}" in done.stderr
    told = json.loads((out / "inspection.json").read_text())
    assert "letters" in told["corpus"]
    assert len(told["pairs"]) == 3


def test_it_is_told_as_json_and_written_here_where_no_folder_is_named(
    molt: Molt, base: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("--collection", "letters", "--pairs", "0", "--sample", "30", "--split", "test")
    done = molt("--json", "inspect", base.id, *asked)
    assert done.status == 0, done.stderr
    outcome = done.lines[-1]
    assert outcome["documents"] == 30
    assert outcome["methods"] == []
    assert Path(outcome["path"]) == Path(f"inspection-{base.id[:8]}") / "inspection.html"
    assert (tmp_path / outcome["path"]).is_file()


def test_what_cannot_be_inspected_is_refused(molt: Molt, base: Checkpoint) -> None:
    missing = molt("inspect", base.id, "--collection", "nowhere")
    assert missing.status == 1
    assert "'nowhere'" in missing.stderr
    unknown = molt("inspect", "0" * 16)
    assert unknown.status == 1
    assert "0" * 16 in unknown.stderr


def test_what_has_no_token_vectors_is_refused_in_a_sentence(molt: Molt, home: Path) -> None:
    old = build_checkpoint(home / "checkpoints", tokens=False)
    refused = molt("inspect", old.id)
    assert refused.status == 1
    assert f"molt checkpoints upgrade {old.id}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_without_the_extra_it_says_what_to_install(
    molt: Molt, base: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str):
        return None if name == "captum" else importlib.util.find_spec(name)

    monkeypatch.setattr(training, "find_spec", find)
    refused = molt("inspect", base.id)
    assert refused.status != 0
    assert "inspecting needs the train extra" in refused.stderr
