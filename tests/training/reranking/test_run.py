from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder as LoadedPairs

from molt.artifact import Home
from molt.encoder import (
    Checkpoint,
    CheckpointStore,
    Lane,
    ModelKind,
    open_checkpoint,
    open_cross_encoder,
)
from molt.encoder.checkpoint import GATE
from molt.index.catalog.judging.split_name import SplitName
from molt.training.config import TrainConfig
from molt.training.data.dataset import Dataset
from molt.training.evaluation.runs import Run
from molt.training.export import openvino
from molt.training.fit.fitted import Fitted, RunFolder
from molt.training.fit.progress import unwatched
from molt.training.reranking.candidates import RankedTrial
from molt.training.reranking.fitting import PairFitting, fit_cross_encoder, pair_loss
from molt.training.reranking.groups import PairGroup
from molt.training.reranking.run import CrossEncoderOutcome, train_cross_encoder
from molt.worker.tasks.runs import run_maker
from tests.training.runs import material

FAST = {
    "run": {"epochs": 3, "precision": "fp32", "device": "cpu", "patience": 3},
    "optimiser": {"learning_rate": 3e-3},
    "cross_encoder": {"depth": 10},
}


@pytest.fixture(autouse=True)
def onnx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)


def run(
    base: Checkpoint, dataset: Dataset, folder: Path, config: dict[str, object] = FAST
) -> CrossEncoderOutcome:
    return train_cross_encoder(
        material(base, dataset),
        config=TrainConfig.model_validate(config),
        store=CheckpointStore(folder / "checkpoints"),
        home=Home(folder),
        make_run=run_maker(folder / "cache"),
    )


def test_a_cross_encoder_comes_out_whose_graphs_give_the_scores_of_its_model(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    outcome = run(base, dataset, tmp_path)
    assert outcome.improved, outcome.reason
    assert (outcome.report is not None, outcome.decision is not None) == (True, True)
    made = open_checkpoint(outcome.checkpoint.path)
    assert (made.kind, made.parent) == (ModelKind.CROSS_ENCODER, base.id)
    assert [each.name for each in made.variants] == ["onnx-fp32", "onnx-int8"]
    assert made.passed_gate is outcome.decision.accepted
    assert made.metrics[GATE]["reasons"] == list(outcome.decision.reasons)
    again = run(base, dataset, tmp_path)
    assert (again.checkpoint.id, again.run_id) == (made.id, outcome.run_id)
    CheckpointStore(tmp_path / "checkpoints").remove(made.id)
    assert run(base, dataset, tmp_path).checkpoint.id == made.id
    texts = list(dataset.corpus.texts[:12])
    model = LoadedPairs(str(made.path), max_length=made.max_length, device="cpu")
    wanted = model.predict([("a b", text) for text in texts], activation_fn=torch.nn.Identity())
    for variant, allowed in (("onnx-fp32", 1e-4), ("onnx-int8", 0.3)):
        opened = open_cross_encoder(made, cache=tmp_path / "cache", runtime=variant, threads=1)
        with closing(opened) as scorer:
            found = scorer.score("a b", texts, lane=Lane.INTERACTIVE).logits
        assert np.abs(found - wanted).max() <= allowed


def test_the_base_comes_out_where_no_epoch_ranks_dev_better(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    still = FAST | {"optimiser": {"learning_rate": 1e-12}, "run": {**FAST["run"], "epochs": 1}}
    outcome = run(base, dataset, tmp_path, still | {"cross_encoder": {"depth": 2}})
    assert (outcome.improved, outcome.checkpoint, outcome.decision) == (False, base, None)
    assert str(outcome.reason).startswith("no epoch re-ranks dev better than the base ranks it")
    assert CheckpointStore(tmp_path / "checkpoints").ids() == []


def test_a_run_goes_on_after_the_last_whole_epoch_and_ends_in_the_same_weights(
    base: Checkpoint, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fitted(folder: Path) -> Fitted:
        return run_fit(base, dataset, folder)

    whole = fitted(tmp_path / "whole")
    epoch = PairFitting._epoch

    def killed(fitting: PairFitting, number: int) -> None:
        if number == 1:
            raise KeyboardInterrupt
        epoch(fitting, number)

    with monkeypatch.context() as patch:
        patch.setattr(PairFitting, "_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted(tmp_path / "killed")
    gone_on = fitted(tmp_path / "killed")
    assert (gone_on.ndcg10, gone_on.losses) == (whole.ndcg10, whole.losses)


def run_fit(base: Checkpoint, dataset: Dataset, folder: Path) -> Fitted:
    """Two epochs over a few groups."""
    folder.mkdir(exist_ok=True)
    trial = material(base, dataset).trial(SplitName.DEV)
    ids = tuple(query.id for query in trial.queries)
    rows = np.tile(np.arange(10, dtype=np.int32), (len(ids), 1))
    ranked = RankedTrial(trial, Run(ids, rows, -rows.astype(np.float32)), 10)
    texts = dataset.corpus.texts
    groups = [PairGroup(f"{at}", texts[at : at + 4]) for at in range(24)]
    return fit_cross_encoder(
        base,
        groups,
        dev=ranked,
        config=TrainConfig.model_validate(FAST | {"run": {**FAST["run"], "epochs": 2}}),
        run_folder=RunFolder(folder, folder / "cache"),
        on_event=unwatched,
    )


def test_the_listwise_loss_falls_where_the_answer_is_told_apart_and_its_score_means_something() -> (
    None
):
    apart, alike = torch.tensor([[4.0, -4.0]]), torch.tensor([[0.0, 0.0]])
    shifted = torch.tensor([[24.0, 16.0]])
    for kind in ("listwise", "bce"):
        assert pair_loss(apart, kind=kind) < pair_loss(alike, kind=kind)
        assert pair_loss(apart, kind=kind) < pair_loss(shifted, kind=kind)
    assert pair_loss(alike, kind="listwise") > pair_loss(alike, kind="bce")
