import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from molt.training.export.source import read_source
from molt.training.export.staging import stage


def test_half_precision_weights_become_float32(model: Path, tmp_path: Path) -> None:
    weights = {
        name: tensor.half() for name, tensor in load_file(model / "model.safetensors").items()
    }
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    target = tmp_path / "staged"
    target.mkdir()
    stage(read_source(model), target)
    kept = load_file(target / "model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}
    assert all(torch.equal(kept[name], weights[name].float()) for name in weights)
    assert json.loads((target / "config.json").read_text())["dtype"] == "float32"


def test_the_weights_of_a_float32_model_are_kept_byte_for_byte(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "staged"
    target.mkdir()
    stage(read_source(model), target)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (target / name).read_bytes() == (model / name).read_bytes()
