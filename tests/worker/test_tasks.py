import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint, CheckpointStore
from molt.training.config import TrainConfig
from molt.training.data.dataset import Dataset
from molt.training.evaluation.report import EvaluationPlan
from molt.training.export import openvino
from molt.training.fit.progress import unwatched
from molt.training.uses import read_uses
from molt.worker.tasks import judging
from molt.worker.tasks.__main__ import main
from molt.worker.tasks.learning import DataSource, train
from molt.worker.tasks.workspace import Workspace
from tests.training.letters import FAST, write_letters

CONTENDERS = ("--candidate", "0" * 16, "--baseline", "1" * 16)


@pytest.fixture
def home(
    tmp_path: Path, base: Checkpoint, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
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
        (("judge", "letters", *CONTENDERS), "no checkpoint"),
        (("judge", "letters", *CONTENDERS, "--config", "/no/such.toml"), "/no/such.toml"),
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


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a judgment was asked for; it decides nothing."""
    asked: list[Any] = []

    def judge(*place_and_collection: Any, **named: Any) -> dict[str, Any]:
        asked.extend((*place_and_collection, named))
        return {"report": "r", "decision": {"accepted": False, "reasons": ["\u2026"]}}

    monkeypatch.setattr(judging, "judge", judge)
    return asked


def test_a_judgment_is_one_line_of_json(
    tmp_path: Path, judged: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge", "shop", *CONTENDERS, "--home", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["decision"] == {"accepted": False, "reasons": ["\u2026"]}
    place, collection, named = judged
    assert (place, collection) == (Workspace(Home(tmp_path)), "shop")
    assert (named["candidate"], named["baseline"]) == ("0" * 16, "1" * 16)


def test_a_judgment_takes_another_catalog_and_a_configuration(
    tmp_path: Path, judged: list[Any]
) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("[gate]\nalpha = 0.01\n")
    more = ("--catalog", "sqlite:///excerpt", "--config", str(config))
    main(["judge", "shop", *CONTENDERS, *more, "--home", str(tmp_path)])
    place, _, named = judged
    assert place == Workspace(Home(tmp_path), "sqlite:///excerpt")
    assert named["config"].gate.alpha == 0.01


@pytest.mark.parametrize("missing", ["--candidate", "--baseline", "--home"])
def test_a_judgment_wants_both_checkpoints_and_a_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    given = {"--candidate": "0" * 16, "--baseline": "1" * 16, "--home": str(tmp_path)}
    arguments = [part for name in given.keys() - {missing} for part in (name, given[name])]
    assert main(["judge", "shop", *arguments]) == 2
    assert missing in capsys.readouterr().err


def test_memory_that_runs_out_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_out(*_: Any, **__: Any) -> str:
        raise MemoryError

    monkeypatch.setattr("molt.training.export.default.make_default", run_out)
    assert main(["default", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("molt: memory ran out; docs/training.md")


def test_a_supervised_task_ends_when_its_input_does(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "molt.worker.tasks", "default", "--home", str(tmp_path)]
    done = subprocess.run([*command, "--supervised"], stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert not list(tmp_path.glob("checkpoints/[!.]*"))


class StoppedError(Exception):
    """Enough was seen."""


def test_what_is_learnt_from_or_measured_is_said_to_be_used_meanwhile(
    home: Path, base: Checkpoint
) -> None:
    seen: list[frozenset[str]] = []

    def look(_: object) -> None:
        folders = (folder for folder in (home / "runs").iterdir() if folder.is_dir())
        seen.append(frozenset().union(*map(read_uses, folders)))
        raise StoppedError

    workspace, source = Workspace(Home(home)), DataSource("letters", on_prepared=look)
    with pytest.raises(StoppedError):
        train(workspace, source, config=TrainConfig(), on_event=unwatched)
    asked = judging.Evaluation("letters", (base.id,), None, EvaluationPlan())
    with pytest.raises(StoppedError):
        judging.measure(workspace, asked, listener=judging.Listener(on_prepared=look))
    assert seen == [{base.id}, {base.id}]
