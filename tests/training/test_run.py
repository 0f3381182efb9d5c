from dataclasses import replace
from pathlib import Path

import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint, CheckpointStore
from molt.training.config import TrainConfig
from molt.training.data.dataset import Dataset
from molt.training.export import openvino
from molt.training.material import Material
from molt.training.run import TrainingOutcome, name_run, train
from molt.worker.tasks.runs import run_maker
from tests.training.runs import material

FAST = {
    "run": {"epochs": 2, "batch_size": 8, "precision": "fp32", "device": "cpu"},
    "optimiser": {"learning_rate": 3e-3},
}


@pytest.fixture(autouse=True)
def onnx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)


def run(
    made: Material, folder: Path, config: dict[str, object] = FAST, **more: object
) -> TrainingOutcome:
    return train(
        made,
        config=TrainConfig.model_validate(config),
        store=CheckpointStore(folder / "checkpoints"),
        home=Home(folder),
        make_run=run_maker(folder / "cache"),
        **more,
    )


def test_a_better_encoder_comes_out_with_its_parent_and_a_report_on_test(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    outcome = run(material(base, dataset), tmp_path)
    assert outcome.improved
    assert (outcome.checkpoint.parent, outcome.reason) == (base.id, None)
    assert outcome.checkpoint.id in CheckpointStore(tmp_path / "checkpoints").ids()
    report = outcome.report
    assert report is not None
    assert report.plan.split == "test"
    assert report.candidates[0].subject.id == outcome.checkpoint.id
    assert report.baseline is not None
    assert report.baseline.subject.id == base.id
    assert report.comparisons[0].measures["nDCG@10"].estimate.mean > 0
    assert report.curves is not None
    assert report.curves.dev[0] == (0, outcome.fitted.base_ndcg10)
    card = tmp_path / "runs" / outcome.run_id / "card.md"
    assert dataset.digest in card.read_text(encoding="utf-8")
    again = run(material(base, dataset), tmp_path)
    assert again.checkpoint == outcome.checkpoint
    CheckpointStore(tmp_path / "checkpoints").remove(again.checkpoint.id)
    assert run(material(base, dataset), tmp_path).checkpoint.id == again.checkpoint.id


def test_the_base_comes_out_where_nothing_was_gained(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    outcome = run(material(base, dataset), tmp_path, FAST | {"optimiser": {"learning_rate": 1e-12}})
    assert not outcome.improved
    assert outcome.checkpoint == base
    assert outcome.reason is not None
    assert "better than the base" in outcome.reason
    assert CheckpointStore(tmp_path / "checkpoints").ids() == []


def test_an_exported_candidate_that_ranks_dev_worse_is_refused_once_and_for_all(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = material(base, dataset)
    with monkeypatch.context() as patched:
        patched.setattr("molt.training.run._baseline", lambda _: 1.1)
        refused = run(made, tmp_path)
    assert (refused.checkpoint, refused.improved) == (base, False)
    assert refused.reason is not None
    assert "ranks dev worse than the base" in refused.reason
    assert CheckpointStore(tmp_path / "checkpoints").ids() == []
    stages: list[str] = []
    assert run(made, tmp_path, on_event=lambda event: stages.append(event.stage)) == refused
    assert stages == []


def test_a_run_is_named_by_base_data_and_configuration(base: Checkpoint, dataset: Dataset) -> None:
    made, config = material(base, dataset), TrainConfig()
    names = {
        name_run(made, config),
        name_run(replace(made, base=replace(base, id="0" * 16)), config),
        name_run(replace(made, dataset=replace(dataset, digest="1")), config),
        name_run(made, TrainConfig.model_validate({"run": {"seed": 1}})),
    }
    assert len(names) == 4
    assert name_run(replace(made, collection="renamed"), config) in names
