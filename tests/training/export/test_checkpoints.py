from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from molt.encoder import (
    Checkpoint,
    CheckpointStore,
    InputType,
    Lane,
    Pooling,
    Prompts,
    UnsafeCheckpointError,
    open_checkpoint,
    open_encoder,
)
from molt.training.errors import ExportError, SourceError
from molt.training.export import openvino
from molt.training.export import variants as variants_module
from molt.training.export.checkpoints import Provenance, make_checkpoint
from molt.worker.tasks import __main__ as program
from tests.encoder.conftest import write_json
from tests.training.export.conftest import write_pickle

TEXTS = ["a fox", "", "the quick brown fox jumps over the lazy dog. " * 9, "(naïve)", "dog"]
PROMPTS = Prompts(query="ask. ", document="doc. ")


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


@pytest.fixture(autouse=True)
def onnx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO's part takes most of the time, and the default checkpoint has it."""
    monkeypatch.setattr(openvino, "is_available", lambda: False)


def make(model: Path, store: CheckpointStore) -> Checkpoint:
    return make_checkpoint(
        model,
        store=store,
        pooling=Pooling.CLS,
        prompts=PROMPTS,
        max_length=40,
        provenance=Provenance(base_model="tiny", parent="0" * 16, metrics={"nDCG@10": 0.5}),
    )


def test_a_checkpoint_serves_the_vectors_that_its_directory_has_in_sentence_transformers(
    store: CheckpointStore, model: Path, tmp_path: Path
) -> None:
    checkpoint = make(model, store)
    assert store.open(checkpoint.id) == checkpoint
    assert (checkpoint.base_model, checkpoint.metrics) == ("tiny", {"nDCG@10": 0.5})
    assert (checkpoint.pooling, checkpoint.prompts, checkpoint.max_length) == ("cls", PROMPTS, 40)
    loaded = SentenceTransformer(str(checkpoint.path), device="cpu", local_files_only=True)
    encoder = open_encoder(checkpoint, runtime="onnx-fp32", cache=tmp_path, threads=1)
    for input_type in InputType:
        expected = loaded.encode(TEXTS, prompt_name=input_type)
        for lane in Lane:
            found = encoder.encode(TEXTS, input_type=input_type, lane=lane).vectors
            assert np.allclose(found, expected, atol=1e-4)
    encoder.close()
    again = make(model, store)
    assert again == checkpoint
    assert [path.name for path in store.root.iterdir()] == [checkpoint.id]


def test_a_graph_that_is_not_true_to_its_model_is_never_published(
    store: CheckpointStore, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_graph = variants_module.export_graph

    def export_wrongly(loaded: SentenceTransformer, *, pooling: Pooling, target: Path) -> None:
        export_graph(loaded, pooling=Pooling.MEAN, target=target)

    monkeypatch.setattr(variants_module, "export_graph", export_wrongly)
    with pytest.raises(ExportError, match=r"not true to the model.*nothing was published"):
        make(model, store)
    assert list(store.root.iterdir()) == []


def test_the_default_checkpoint_loads_in_plain_sentence_transformers(
    default_checkpoint: Path, tmp_path: Path
) -> None:
    loaded = SentenceTransformer(str(default_checkpoint), device="cpu", local_files_only=True)
    checkpoint = open_checkpoint(default_checkpoint)
    encoder = open_encoder(checkpoint, runtime="onnx-fp32", cache=tmp_path, threads=1)
    found = encoder.encode(TEXTS, input_type=InputType.DOCUMENT, lane=Lane.INTERACTIVE).vectors
    encoder.close()
    assert np.allclose(found, loaded.encode(TEXTS, prompt_name="document"), atol=1e-4)


def test_pickled_weights_are_refused_before_anything_is_unpickled(
    store: CheckpointStore, model: Path, tmp_path: Path
) -> None:
    write_pickle(model / "pytorch_model.bin", mark=tmp_path / "executed")
    with pytest.raises(UnsafeCheckpointError, match="save the model as safetensors"):
        make_checkpoint(model, store=store)
    assert not (tmp_path / "executed").exists()
    assert list(store.root.iterdir()) == []


def test_custom_code_is_refused_before_anything_of_it_runs(
    store: CheckpointStore, model: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    (model / "evil.py").write_text(f"import os; os.mkdir({str(mark)!r})")
    with pytest.raises(UnsafeCheckpointError, match="holds code"):
        make_checkpoint(model, store=store)
    (model / "evil.py").unlink()
    write_json(model / "modules.json", [{"idx": 0, "path": "", "type": "evil.Module"}])
    with pytest.raises(UnsafeCheckpointError, match="it was not imported"):
        make_checkpoint(model, store=store)
    assert not mark.exists()
    assert list(store.root.iterdir()) == []


def test_a_name_while_offline_leaves_the_store_as_it_was(store: CheckpointStore) -> None:
    with pytest.raises(SourceError, match="HF_HUB_OFFLINE"):
        make_checkpoint("owner/model", store=store)
    assert list(store.root.iterdir()) == []


def test_the_program_says_what_is_wrong_in_one_line_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["add", "owner/model", "--home", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("molt: 'owner/model' is no directory here")
    assert said.err.count("\n") == 1
