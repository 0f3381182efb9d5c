from pathlib import Path

import pytest

from molt.encoder import Checkpoint, CheckpointStore
from molt.training.data.dataset import Dataset
from molt.training.export import openvino
from tests.cli.conftest import Molt
from tests.cross_encoders import build_cross_encoder
from tests.training.letters import FAST, write_letters

QUICKLY = [part for setting in FAST for part in ("--set", setting)]


@pytest.fixture(autouse=True)
def letters(
    home: Path, base: Checkpoint, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    home.mkdir()
    write_letters(home, base=base, dataset=dataset)


def test_training_hands_out_a_better_checkpoint_and_its_report(
    molt: Molt, home: Path, base: Checkpoint
) -> None:
    done = molt("train", "letters", "--json", *QUICKLY)
    assert done.status == 0
    *epochs, outcome = (line for line in done.lines if line["event"] in ("dev", "done"))
    assert [line["epoch"] for line in epochs] == [0, 1, 2]
    assert outcome["improved"]
    assert outcome["dev"]["base"] == epochs[0]["ndcg10"]
    assert CheckpointStore(home / "checkpoints").open(outcome["checkpoint"]).parent == base.id
    assert (Path(outcome["report"]) / "report.html").exists()
    assert (home / "runs" / outcome["run"] / "card.md").exists()


def test_nothing_gained_is_said_and_the_base_comes_out(molt: Molt, base: Checkpoint) -> None:
    done = molt("train", "letters", *QUICKLY, "--set", "optimiser.learning_rate=1e-12")
    assert done.status == 0
    assert base.id in done.stdout
    assert "Nothing was gained: no epoch ranks dev better than the base" in done.stderr


def test_a_cross_encoder_teaches_an_encoder(molt: Molt, home: Path) -> None:
    teacher = build_cross_encoder(home / "checkpoints")
    done = molt("train", "letters", "--json", *QUICKLY, "--teacher", teacher.id[:8])
    assert done.status == 0, done.stderr
    (run,) = (home / "runs").glob("*/uses.json")
    assert teacher.id in run.read_text()
    twice = molt("train", "letters", "--kind", "cross-encoder", "--teacher", teacher.id)
    assert (twice.status, "teaches encoders alone" in twice.stderr) == (2, True)


@pytest.mark.parametrize("command", ["train", "tune"])
def test_data_may_be_of_the_hub(molt: Molt, command: str) -> None:
    done = molt(command, "letters", "--data", "hf://letters")
    assert done.status != 0
    assert "hf://letters names no dataset; write hf://owner/name" in done.stderr.replace("\n", " ")


@pytest.mark.walk
def test_tuning_writes_a_configuration_that_training_takes(molt: Molt, tmp_path: Path) -> None:
    best = tmp_path / "best.toml"
    done = molt("tune", "letters", "--trials", "2", "--out", str(best), "--json", *QUICKLY)
    assert done.status == 0
    tuned = done.lines[-1]
    assert (tuned["config"], tuned["trials"]) == (str(best), 2)
    again = molt("tune", "letters", "--trials", "2", "--out", str(best), "--json", *QUICKLY)
    assert again.lines[-1] == tuned
    trained = molt("train", "letters", "--config", str(best), "--json")
    assert trained.status == 0
    assert max(trained.lines[-1]["dev"]["epochs"]) == pytest.approx(tuned["ndcg10"])
