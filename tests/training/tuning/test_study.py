import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint
from molt.training.config import TrainConfig, read_config, write_config
from molt.training.data.dataset import Dataset
from molt.training.errors import FitError
from molt.training.fit.progress import TrainingEvent  # noqa: TC001
from molt.training.run import name_run
from molt.training.tuning.study import Tuned, tune
from molt.training.uses import read_uses
from tests.paths import ROOT
from tests.training.runs import material

CONFIG = TrainConfig.model_validate({"run": {"epochs": 2, "precision": "fp32", "device": "cpu"}})


def run(
    base: Checkpoint,
    dataset: Dataset,
    folder: Path,
    *,
    trials: int,
    **more: object,
) -> Tuned:
    home = Home(folder)
    return tune(material(base, dataset), config=CONFIG, trials=trials, home=home, **more)


def test_the_best_of_the_trials_is_found_and_its_run_is_kept(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    tuned = run(base, dataset, tmp_path, trials=2)
    assert (tuned.trials, tuned.stopped) == (2, 0)
    assert tuned.ndcg10 >= tuned.base_ndcg10 > 0
    kept = [path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()]
    assert kept == [name_run(material(base, dataset), tuned.config)]
    events: list[TrainingEvent] = []
    assert run(base, dataset, tmp_path, trials=2, on_event=events.append) == tuned
    assert events == []


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from molt.artifact import Home
from molt.training.tuning.study import tune

material, config = pickle.loads(Path(sys.argv[1]).read_bytes())
folder = Path(sys.argv[2])
trials = 0

def watch(event):
    global trials
    trials += event.stage == "trials"
    if trials == 2 and event.ndcg10 is not None and event.step:
        os.kill(os.getpid(), signal.SIGKILL)

home = Home(folder)
tune(material, config=config, trials=2, home=home, on_event=watch)
"""


def test_a_killed_search_goes_on_with_the_trial_that_was_interrupted(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "given").write_bytes(pickle.dumps((material(base, dataset), CONFIG)))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "given"), str(tmp_path / "killed")]
    root = str(ROOT)
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": root}
    ended = subprocess.run(command, check=False, env=environment)
    assert ended.returncode == -signal.SIGKILL
    folders = [path for path in (tmp_path / "killed" / "runs").iterdir() if path.is_dir()]
    (search,) = [path for path in folders if read_uses(path) == {base.id}]
    interrupted = {path.name for path in folders} - {search.name}
    assert len(interrupted) == 2
    stages: list[TrainingEvent] = []
    resumed = run(base, dataset, tmp_path / "killed", trials=2, on_event=stages.append)
    assert resumed.trials == 2
    assert [event.step for event in stages if event.stage == "trials"] == [1]
    assert name_run(material(base, dataset), resumed.config) in interrupted
    assert not search.exists()


def test_a_search_that_goes_on_tries_nothing_twice(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    for trials in (1, 2, 3):
        run(base, dataset, tmp_path, trials=trials)
    storage = f"sqlite:///{tmp_path / 'runs' / 'studies.sqlite3'}"
    study = optuna.load_study(study_name=None, storage=storage)
    assert len({str(trial.params) for trial in study.trials}) == 3


def test_the_configuration_that_is_found_can_be_trained_with(tmp_path: Path) -> None:
    config = TrainConfig.model_validate({"run": {"epochs": 7}, "objective": {"matryoshka": [16]}})
    write_config(config, tmp_path / "tuned.toml")
    assert read_config(tmp_path / "tuned.toml") == config


def test_a_search_takes_no_teacher(base: Checkpoint, dataset: Dataset, tmp_path: Path) -> None:
    config = read_config(None, settings=["objective.teacher=0123456789abcdef"])
    home = Home(tmp_path)
    with pytest.raises(FitError, match=r"leave objective\.teacher out"):
        tune(material(base, dataset), config=config, trials=1, home=home)
