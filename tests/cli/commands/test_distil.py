from contextlib import closing
from pathlib import Path

import pytest

from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.catalog import home_url, open_catalog
from molt.training.data.dataset import Dataset
from molt.training.export import openvino
from tests.cli.conftest import Molt
from tests.training.letters import write_letters

FAST = (
    "distil.epochs=2", "distil.batch_size=16", "distil.precision=fp32", "distil.device=cpu",
    "distil.learning_rate=3e-3", "data.near_duplicate=1.0",
)  # fmt: skip
QUICKLY = [part for setting in FAST for part in ("--set", setting)]


@pytest.fixture(autouse=True)
def letters(
    home: Path, base: Checkpoint, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judged collection `letters`, and `plain`, the documents alone."""
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    home.mkdir()
    write_letters(home, base=base, dataset=dataset)
    with closing(open_catalog(home_url(home))) as catalog:
        plain = catalog.collections.create("plain")
        catalog.documents.upsert(plain, dataset.corpus.documents)


def test_fewer_layers_are_handed_out_with_what_is_lost_and_gained(
    molt: Molt, base: Checkpoint
) -> None:
    done = molt("distil", "letters", "--layers", "1", *QUICKLY)
    assert done.status == 0, done.stderr
    fields = dict(line.split("\t") for line in done.stdout.splitlines())
    assert fields["teacher"] == base.id
    assert "times as fast" in fields["texts/s"]
    assert "(teacher 0." in fields["nDCG@10 on test"]
    assert float(fields["cosine to the teacher"]) > 0.5
    assert "epoch 2: cosine to the teacher " in done.stderr
    assert "Report: " in done.stderr


def test_a_static_embedding_is_served_and_measured_but_teaches_nobody(
    molt: Molt, home: Path, base: Checkpoint
) -> None:
    done = molt("distil", "letters", "--static", "--dimensions", "16", "--json", *QUICKLY)
    assert done.status == 0, done.stderr
    *epochs, outcome = (line for line in done.lines if line["event"] in {"held out", "done"})
    assert [line["epoch"] for line in epochs] == [1, 2]
    assert (outcome["teacher"], outcome["reason"]) == (base.id, None)
    assert (Path(outcome["report"]) / "report.html").exists()
    assert set(outcome["ndcg10"]) == set(outcome["variant"]) == {"teacher", "student"}
    assert outcome["graph_bytes"]["ratio"] < 1
    assert "Encoding tokens" not in done.stderr
    made = outcome["checkpoint"]
    assert CheckpointStore(home / "checkpoints").open(made).parent == base.id
    again = molt("distil", "letters", "--layers", "1", "--teacher", made)
    assert f"{made} is a static embedding" in again.stderr
    fitted = molt("train", "letters", "--base", made, "--set", "data.near_duplicate=1.0")
    assert f"{made} is a static embedding" in fitted.stderr
    assert (again.status, fitted.status) == (1, 1)
    assert molt("checkpoints", "show", made).status == 0


def test_a_collection_without_judgments_has_no_report_and_says_so(molt: Molt) -> None:
    done = molt("distil", "plain", "--static", *QUICKLY)
    assert done.status == 0, done.stderr
    assert "No report, ranking was not measured: nothing is known about relevance" in done.stderr
    assert "nDCG@10" not in done.stdout
    assert "correlation with the teacher" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what to make"),
        (("--static", "--layers", "1"), "say what to make"),
        (("--layers", "1", "--dimensions", "8"), "say what to make"),
        (("--layers", "2"), "has 2 layers; ask for fewer"),
        (("--static", "--dimensions", "33"), "ask for at most as many, not 33"),
        (("--static", "--teacher", "0" * 16), "no checkpoint"),
        (("--static", "--set", "distil.epochs=0"), "distil.epochs"),
        (("--static", "--set", "run.epochs=1"), "run is no key"),
    ],
)
def test_a_wrong_distillation_says_what_is_wrong(
    molt: Molt, arguments: tuple[str, ...], message: str
) -> None:
    done = molt("distil", "letters", *arguments)
    assert done.status == 1
    assert message in done.stderr
    assert "unexpected" not in done.stderr


def test_without_the_train_extra_it_says_what_to_install(
    molt: Molt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.cli.training.find_spec", lambda name: None)
    done = molt("distil", "letters", "--static")
    assert done.status == 1
    assert "distilling needs the train extra: `pip install 'molt-search[train]'`" in done.stderr
