"""The plain forward pass is held to what transformers computes of the same weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from transformers import AutoModel, PretrainedConfig

from molt.encoder import Checkpoint, ModelKind, NoVariantError, Pooling, open_checkpoint
from molt.encoder.safety.forward import PlainModel, UnknownModelKindError
from molt.encoder.safety.probe import require_sound
from tests.checkpoints import DIMENSION, VOCABULARY, Build, modules, seal, write_graph, write_json
from tests.training.export.architectures import CONFIGURATIONS

IDS = np.array([2, 17, 99, 4, 50, 3, 8])
COMPUTED = ("bert", "roberta", "xlm-roberta", "distilbert")


def saved(config: PretrainedConfig, folder: Path, **options: Any) -> Any:
    torch.manual_seed(0)
    model = AutoModel.from_config(config).eval()
    model.to(options.pop("dtype", torch.float32)).save_pretrained(folder)
    return model.float()


def expected(model: Any, pooling: Pooling) -> np.ndarray:
    with torch.no_grad():
        states = model(input_ids=torch.tensor(IDS)[None]).last_hidden_state[0]
    chosen = states[0] if pooling is Pooling.CLS else states.mean(dim=0)
    return (chosen / chosen.norm()).numpy()


@pytest.mark.parametrize("pooling", list(Pooling))
@pytest.mark.parametrize("name", COMPUTED)
def test_a_vector_is_the_one_that_transformers_makes(
    tmp_path: Path, name: str, pooling: Pooling
) -> None:
    model = saved(CONFIGURATIONS[name], tmp_path)
    found = PlainModel(tmp_path).vector(IDS, pooling=pooling)
    assert np.allclose(found, expected(model, pooling), atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_any_precision_are_read(tmp_path: Path, dtype: torch.dtype) -> None:
    model = saved(CONFIGURATIONS["bert"], tmp_path, dtype=dtype)
    found = PlainModel(tmp_path).vector(IDS, pooling="mean")
    assert np.allclose(found, expected(model, Pooling.MEAN), atol=1e-3)


def test_weights_whose_names_begin_with_the_model_s_are_found(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    model = saved(CONFIGURATIONS["bert"], tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({f"bert.{name}": one for name, one in load_file(path).items()}, path)
    found = PlainModel(tmp_path).vector(IDS, pooling="mean")
    assert np.allclose(found, expected(model, Pooling.MEAN), atol=1e-4)


@pytest.mark.parametrize("name", ["mpnet", "modernbert"])
def test_of_other_architectures_nothing_is_said(tmp_path: Path, name: str) -> None:
    saved(CONFIGURATIONS[name], tmp_path)
    with pytest.raises(UnknownModelKindError):
        PlainModel(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}]
)
def test_nor_of_another_kind_of_a_known_one(tmp_path: Path, changes: dict[str, str]) -> None:
    saved(CONFIGURATIONS["bert"], tmp_path)
    write_json(tmp_path / "config.json", {"model_type": "bert"} | changes)
    with pytest.raises(UnknownModelKindError):
        PlainModel(tmp_path)


@pytest.mark.parametrize("changes", [{}, {"num_hidden_layers": 9}, {"num_attention_heads": 3}])
def test_nor_of_one_that_is_not_as_its_configuration_says(
    tmp_path: Path, changes: dict[str, int]
) -> None:
    saved(CONFIGURATIONS["bert"], tmp_path)
    write_json(tmp_path / "config.json", {"model_type": "bert"} | changes)
    with pytest.raises(UnknownModelKindError):
        PlainModel(tmp_path).vector(IDS, pooling="mean")


def static(checkpoint: Checkpoint) -> Checkpoint:
    write_json(
        checkpoint.path / "config.json", {"model_type": "model2vec", "hidden_dim": DIMENSION}
    )
    entries = modules("StaticEmbedding", "Normalize")
    write_json(checkpoint.path / "modules.json", [entries[0], entries[1] | {"path": "1_Normalize"}])
    return seal(replace(checkpoint, kind=ModelKind.STATIC))


def test_a_forged_graph_under_the_id_of_genuine_weights_never_serves(
    build: Build, tmp_path: Path
) -> None:
    genuine = static(build())
    require_sound(genuine, genuine.variants[0], cache=tmp_path / "cache")
    other = np.random.default_rng(1).standard_normal((len(VOCABULARY), DIMENSION)).astype("f4")
    write_graph(genuine.path / "runtime" / "fp32.onnx", other)
    forged = seal(genuine)
    assert (forged.id, open_checkpoint(forged.path)) == (genuine.id, forged)
    with pytest.raises(NoVariantError, match="does not compute what the checkpoint's weights do"):
        require_sound(forged, forged.variants[0], cache=tmp_path / "cache")


def test_nor_does_one_under_the_id_of_the_default_checkpoint(
    default_checkpoint: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    (copy / "runtime").mkdir(parents=True)
    genuine = open_checkpoint(default_checkpoint)
    for name in ("checkpoint.json", *genuine.files):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).symlink_to(default_checkpoint / name)
    graph = copy / "runtime" / "int8.onnx"
    model = onnx.load(str(graph))
    layer = next(
        one for one in model.graph.initializer if len(one.dims) == 2 and one.dims[0] == 384
    )
    layer.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(layer), layer.name))
    graph.unlink()
    graph.write_bytes(model.SerializeToString())
    forged = replace(genuine, path=copy, files={}, references=())
    (int8,) = (one for one in forged.variants if one.name == "onnx-int8")
    with pytest.raises(NoVariantError, match="does not compute what the checkpoint's weights do"):
        require_sound(forged, int8, cache=tmp_path / "cache")


def test_every_variant_of_the_default_checkpoint_computes_what_its_weights_do(
    default_checkpoint: Path, tmp_path: Path
) -> None:
    checkpoint = open_checkpoint(default_checkpoint)
    assert len(checkpoint.references) == 2
    for variant in checkpoint.variants:
        found = require_sound(checkpoint, variant, cache=tmp_path / "cache")
        assert found == checkpoint.references
