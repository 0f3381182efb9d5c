from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import onnx
import pytest
from sentence_transformers import SentenceTransformer

from molt.artifact.manifest import read_manifest, write_manifest
from molt.encoder import (
    Capability,
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
from molt.encoder.checkpoint import CHECKPOINT_FORMAT, CHECKPOINT_MANIFEST
from molt.training.errors import ExportError, ModelSourceError
from molt.training.export import loaded as loaded_module
from molt.training.export import openvino
from molt.training.export.checkpoints import Provenance, make_checkpoint, upgrade_checkpoint
from molt.worker.tasks import __main__ as program
from tests.checkpoints import seal, write_json
from tests.training.models import write_model, write_pickle

TEXTS = ["a fox", "", "the quick brown fox jumps over the lazy dog. " * 9, "(naïve)", "dog"]
PROMPTS = Prompts(query="ask. ", document="doc. ")


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


@pytest.fixture(autouse=True)
def onnx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO's part takes most of the time, and the default checkpoint has it."""
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)


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
    assert (checkpoint.kind, checkpoint.capabilities) == ("bi-encoder", ("embed", "tokens"))
    loaded = SentenceTransformer(str(checkpoint.path), device="cpu", local_files_only=True)
    encoder = open_encoder(checkpoint, runtime="onnx-fp32", cache=tmp_path, threads=1)
    for input_type in InputType:
        expected = loaded.encode(TEXTS, prompt_name=input_type)
        for lane in Lane:
            found = encoder.encode(TEXTS, input_type=input_type, lane=lane).vectors
            assert np.allclose(found, expected, atol=1e-4)
        (*_, tokens) = encoder.encode_tokens(TEXTS, input_type=input_type, lane=Lane.QUERY)
        first = tokens.vectors[0]
        assert np.allclose(first / np.linalg.norm(first), expected[-1], atol=1e-4)
    encoder.close()
    again = make(model, store)
    assert again == checkpoint
    assert [path.name for path in store.root.iterdir()] == [checkpoint.id]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino, "openvino_available", lambda: False)
        return make(write_model(folder), CheckpointStore(folder / "checkpoints"))


@pytest.fixture
def made(exported: Checkpoint, store: CheckpointStore) -> Checkpoint:
    copytree(exported.path, store.root / exported.id)
    return store.open(exported.id)


def age(checkpoint: Checkpoint) -> Checkpoint:
    """Make of it what the version left that knew neither kinds nor token vectors."""
    graph = checkpoint.path / "runtime" / "fp32.onnx"
    model = onnx.load(str(graph))
    del model.graph.output[1]
    onnx.save(model, str(graph))
    (variant,) = (each for each in checkpoint.variants if each.name == "onnx-fp32")
    (checkpoint.path / "runtime" / "int8.onnx").unlink(missing_ok=True)
    old = seal(replace(checkpoint, variants=(variant,), capabilities=(Capability.EMBED,)))
    body = read_manifest(old.path / CHECKPOINT_MANIFEST, supported=CHECKPOINT_FORMAT)
    first = {key: body[key] for key in body if key not in {"kind", "capabilities"}}
    write_manifest(old.path / CHECKPOINT_MANIFEST, first | {"format": 1})
    return old


def test_an_upgraded_checkpoint_has_token_vectors_and_all_else_that_it_had(
    store: CheckpointStore, made: Checkpoint, tmp_path: Path
) -> None:
    old = age(made)
    assert store.open(made.id) == old
    with closing(open_encoder(old, cache=tmp_path, threads=1)) as serving:
        before = serving.encode(TEXTS, input_type=InputType.QUERY, lane=Lane.QUERY).vectors
        upgraded = upgrade_checkpoint(made.id, store=store)
        again = serving.encode(TEXTS, input_type=InputType.QUERY, lane=Lane.BACKGROUND).vectors
    assert np.allclose(again, before, atol=1e-5)
    assert store.open(made.id) == upgraded
    assert [path.name for path in store.root.iterdir()] == [made.id]
    changed = {"capabilities", "variants", "files"}
    assert {name for name in vars(old) if vars(old)[name] != vars(upgraded)[name]} == changed
    for name in old.files.keys() - {"runtime/fp32.onnx"}:
        assert upgraded.files[name] == old.files[name]
    with closing(open_encoder(upgraded, runtime="onnx-fp32", cache=tmp_path)) as encoder:
        found = encoder.encode(TEXTS, input_type=InputType.QUERY, lane=Lane.QUERY).vectors
        tokens = encoder.encode_tokens(["a fox"], input_type=InputType.QUERY, lane=Lane.QUERY)
    assert np.allclose(found, before, atol=1e-5)
    assert tokens[0].vectors.shape == (len(tokens[0].ids), made.dimension)


def test_an_upgrade_that_fails_leaves_the_checkpoint_as_it_was(
    store: CheckpointStore, made: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = age(made)

    def export_nothing(*_: object, **__: object) -> None:
        raise ExportError("the model cannot be exported")

    monkeypatch.setattr(loaded_module, "export_graph", export_nothing)
    with pytest.raises(ExportError, match="cannot be exported"):
        upgrade_checkpoint(old.id, store=store)
    assert store.open(old.id) == old
    assert [path.name for path in store.root.iterdir()] == [old.id]


def test_a_graph_that_is_not_true_to_its_model_is_never_published(
    store: CheckpointStore, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_graph = loaded_module.export_graph  # type: ignore[attr-defined]

    def export_wrongly(loaded: SentenceTransformer, *, pooling: Pooling, target: Path) -> None:
        export_graph(loaded, pooling=Pooling.MEAN, target=target)

    monkeypatch.setattr(loaded_module, "export_graph", export_wrongly)
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
    with pytest.raises(ModelSourceError, match="HF_HUB_OFFLINE"):
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
