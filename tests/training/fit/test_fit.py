import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from molt.encoder import Checkpoint
from molt.training.data.dataset import Dataset
from molt.training.errors import FitError
from molt.training.fit.config import FitConfig
from molt.training.fit.fit import fit
from molt.training.fit.fitted import Fitted, RunFolder
from molt.training.fit.hardware import Hardware
from molt.training.fit.learner import open_learner
from molt.training.fit.progress import TrainingEvent  # noqa: TC001
from tests.checkpoints import build_checkpoint
from tests.cross_encoders import build_cross_encoder

FAST = {
    "run": {"epochs": 3, "batch_size": 8, "precision": "fp32", "save_steps": 3, "device": "cpu"},
    "optimiser": {"learning_rate": 3e-3},
}


def run(
    base: Checkpoint,
    dataset: Dataset,
    folder: Path,
    config: dict[str, object] = FAST,
    **more: object,
) -> Fitted:
    run_folder = RunFolder(folder / "run", folder / "cache")
    return fit(
        base, dataset, config=FitConfig.model_validate(config), run_folder=run_folder, **more
    )


def weights(folder: Path) -> bytes:
    return (folder / "run" / "model" / "model.safetensors").read_bytes()


def test_an_encoder_learns_what_its_base_does_not_know(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    events: list[TrainingEvent] = []
    fitted = run(base, dataset, tmp_path, on_event=events.append)
    assert fitted.improved
    assert max(fitted.ndcg10) > fitted.base_ndcg10 + 0.1
    assert fitted.best_epoch == int(np.argmax(fitted.ndcg10)) + 1
    assert [event.loss for event in events if event.loss is not None] == [
        loss for _, loss in fitted.losses
    ]
    assert (tmp_path / "run" / "model" / "modules.json").exists()


def test_nothing_is_drawn_while_a_run_tells_its_progress_itself(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(base, dataset, tmp_path, FAST | {"run": FAST["run"] | {"epochs": 1}})
    assert capfd.readouterr() == ("", "")


def test_a_finished_run_is_not_repeated(base: Checkpoint, dataset: Dataset, tmp_path: Path) -> None:
    first = run(base, dataset, tmp_path)
    events: list[TrainingEvent] = []
    assert run(base, dataset, tmp_path, on_event=events.append) == first
    assert events == []


def test_the_base_stays_where_no_epoch_is_better(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    config = FAST | {"optimiser": {"learning_rate": 1e-12}}
    fitted = run(base, dataset, tmp_path, config)
    assert not fitted.improved
    assert not (tmp_path / "run" / "model").exists()


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from molt.training.fit.config import FitConfig
from molt.training.fit.fit import fit
from molt.training.fit.fitted import RunFolder

base, dataset, config = pickle.loads(Path(sys.argv[1]).read_bytes())
folder = Path(sys.argv[2])

def watch(event):
    if event.loss is not None and event.step >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

fit(base, dataset, config=FitConfig.model_validate(config),
    run_folder=RunFolder(folder / "run", folder / "cache"), on_event=watch)
"""


@pytest.mark.parametrize(
    "more",
    [{"negatives": {"remine": True}}, {"objective": {"late_interaction": 0.5}}],
    ids=["remine", "late-interaction"],
)
def test_a_killed_run_ends_in_the_weights_of_an_undisturbed_one(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, more: dict[str, object]
) -> None:
    """Killed between two states in the second epoch, whose negatives may be mined anew."""
    config = FAST | more
    undisturbed = run(base, dataset, tmp_path / "whole", config)
    given = tmp_path / "given"
    given.write_bytes(pickle.dumps((base, dataset, config)))
    command = [sys.executable, "-c", KILLED, str(given), str(tmp_path / "killed"), "15"]
    ended = subprocess.run(command, check=False, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "run" / "fitted.json").exists()
    resumed = run(base, dataset, tmp_path / "killed", config)
    assert resumed.ndcg10 == undisturbed.ndcg10
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


@pytest.mark.parametrize(
    "config",
    [
        {"objective": {"positives": "cached-infonce", "mini_batch": 4}},
        {"objective": {"positives": "triplet"}},
        {"objective": {"symmetric": True, "matryoshka": [16]}},
        {"lora": {"rank": 4}},
        {"freezing": {"embeddings": True, "layers": 1, "thaw": 1}},
        {"run": FAST["run"] | {"curriculum": True, "dropout": 0.05, "max_length": 32}},
        {"negatives": {"per_query": 0}},
        {"objective": {"late_interaction": 1, "positives": "triplet"}, "lora": {"rank": 4}},
        {"objective": {"late_interaction": 1, "symmetric": True, "matryoshka": [16]}},
    ],
    ids=[
        *("cached", "triplet", "matryoshka", "lora", "freezing", "curriculum", "no-negatives"),
        *("tokens-triplet-lora", "tokens-matryoshka"),
    ],
)
def test_every_way_of_learning_improves_on_the_base(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, config: dict[str, object]
) -> None:
    assert run(base, dataset, tmp_path, FAST | config).improved


@pytest.mark.parametrize("objective", ["margin-mse", "kl"])
def test_a_teacher_is_learnt_from(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, objective: str
) -> None:
    teacher = build_checkpoint(tmp_path / "teacher")  # it adds up letters, which is what is asked
    config = FAST | {"objective": {"positives": objective, "teacher": teacher.id}}
    assert run(base, dataset, tmp_path, config, teacher=teacher).improved


@pytest.mark.parametrize("objective", ["margin-mse", "kl"])
def test_a_cross_encoder_is_learnt_from(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, objective: str
) -> None:
    """It counts the letter z: the learner comes to score texts by that, which dev does not ask."""
    teacher = build_cross_encoder(tmp_path / "teacher")
    config = FAST | {
        "objective": {"positives": objective, "teacher": teacher.id},
        "run": FAST["run"] | {"epochs": 1},
    }
    fitted = run(base, dataset, tmp_path, config, teacher=teacher)
    losses = [loss for _, loss in fitted.losses]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def test_the_model_of_a_run_computes_as_the_learner_did(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    fitted = run(base, dataset, tmp_path, FAST | {"lora": {"rank": 4}})
    hardware = Hardware(device="cpu", bf16=False, tokens=64)
    learner = open_learner(tmp_path / "run" / "model", hardware=hardware, max_length=64)
    queries = learner.encode([q.text for q in dataset.dev.queries.values()], prompt_name="query")
    documents = learner.encode(list(dataset.corpus.texts), prompt_name="document")
    answers = [int(query_id[1:]) for query_id in dataset.dev.queries]
    scores = queries @ documents.T
    ranks = (scores > scores[np.arange(len(answers)), answers][:, None]).sum(axis=1)
    ndcg10 = np.where(ranks < 10, 1 / np.log2(ranks + 2), 0).mean()
    assert ndcg10 == pytest.approx(max(fitted.ndcg10), abs=0.02)


def test_more_frozen_layers_than_there_are_cannot_be(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(FitError, match="the model has 2; freeze fewer"):
        run(base, dataset, tmp_path, FAST | {"freezing": {"layers": 2}})
