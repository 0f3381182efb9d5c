import json
from pathlib import Path

import pytest

from molt.encoder import Checkpoint, CheckpointStore
from molt.training.__main__ import main
from molt.training.data.dataset import Dataset
from molt.training.export import openvino
from tests.training.fit.conftest import base, dataset
from tests.training.letters import FAST, write_letters

__all__ = ["base", "dataset"]


@pytest.fixture
def home(
    tmp_path: Path, base: Checkpoint, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setattr(openvino, "is_available", lambda: False)
    write_letters(tmp_path, base=base, dataset=dataset)
    return tmp_path


def test_a_collection_is_trained_without_the_command_line(
    home: Path, base: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [part for setting in FAST for part in ("--set", setting)]
    assert main(["train", "letters", "--home", str(home), *settings]) == 0
    said = capsys.readouterr()
    outcome = json.loads(said.out.splitlines()[-1])
    assert outcome["improved"]
    made = CheckpointStore(home / "checkpoints").open(outcome["checkpoint"])
    assert made.parent == base.id
    assert (Path(outcome["report"]) / "report.html").exists()
    events = [json.loads(line) for line in said.err.splitlines() if line.startswith("{")]
    assert [event["epoch"] for event in events if "ndcg10" in event] == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nothing"), "nothing"),
        (("train", "letters", "--base", "0" * 16), "no checkpoint"),
        (("train", "letters", "--set", "run.epochs=0"), "run.epochs"),
        (("add", "/no/such/model"), "/no/such/model"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert main([*arguments, "--home", str(home)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("molt: ")
    assert message in said.err
    assert "Traceback" not in said.err
