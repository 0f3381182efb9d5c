from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from molt.encoder import CheckpointStore, open_checkpoint
from molt.training.export import openvino
from molt.training.export import variants as module
from molt.training.export.checkpoints import make_checkpoint
from tests.checkpoints import variant


def test_every_variant_of_the_default_checkpoint_is_inside_the_budget(
    default_checkpoint: Path,
) -> None:
    checkpoint = open_checkpoint(default_checkpoint)
    names = [each.name for each in checkpoint.variants]
    assert {"onnx-fp32", "onnx-int8", "openvino-int8"} <= set(names)
    assert all(each.within_budget for each in checkpoint.variants)
    assert all(each.texts_per_second > 0 for each in checkpoint.variants)
    assert checkpoint.variants[0].fidelity.cosine_min > 0.9999


def break_weights(graph: Path) -> None:
    """Set the largest weight to zero, as a careless tool might; the graph still loads and runs."""
    model = onnx.load(str(graph))
    largest = max(model.graph.initializer, key=lambda weight: len(weight.raw_data))
    zeros = numpy_helper.from_array(numpy_helper.to_array(largest) * 0, largest.name)
    largest.CopyFrom(zeros)
    onnx.save(model, str(graph))


def test_a_broken_int8_graph_is_measured_and_thrown_away(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantise = module.quantise  # type: ignore[attr-defined]

    def quantise_badly(graph: Path, target: Path) -> None:
        quantise(graph, target)
        break_weights(target)

    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    monkeypatch.setattr(module, "quantise", quantise_badly)
    checkpoint = make_checkpoint(model, store=CheckpointStore(tmp_path / "store"))
    assert [each.name for each in checkpoint.variants] == ["onnx-fp32"]
    assert [path.name for path in (checkpoint.path / "runtime").iterdir()] == ["fp32.onnx"]


def test_a_graph_that_variants_share_is_kept_while_one_of_them_is(tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    for name in ("fp32.onnx", "openvino-int8.xml", "openvino-int8.bin"):
        (tmp_path / "runtime" / name).write_bytes(b"x")
    fp32 = variant("onnx-fp32")
    bf16 = variant("openvino-bf16", fidelity=replace(fp32.fidelity, cosine_mean=0.5))
    int8 = variant("openvino-int8", graph="runtime/openvino-int8.xml")
    assert module._keep(tmp_path, [fp32, bf16, int8]) == (fp32, int8)
    assert len(list((tmp_path / "runtime").iterdir())) == 3
    bad = replace(int8, fidelity=bf16.fidelity)
    assert module._keep(tmp_path, [fp32, bad]) == (fp32,)
    assert [path.name for path in (tmp_path / "runtime").iterdir()] == ["fp32.onnx"]
