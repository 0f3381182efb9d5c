from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from molt.training.export.feeds import text_feed
from molt.training.export.quantise import quantise
from molt.training.export.rewriting.smoothing import smooth
from tests.training.export.graphs import TOKENS, run

CHANNELS = 64
OUTLIER = 5


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Rows of a table times two weights that read little of the one channel that is far larger."""
    random = np.random.default_rng(0)
    table = random.standard_normal((60, CHANNELS)).astype(np.float32)
    gain = np.where(np.arange(CHANNELS) == OUTLIER, 50, 1).astype(np.float32)
    weights = {name: random.standard_normal((CHANNELS, 80)).astype(np.float32) for name in "ab"}
    for weight in weights.values():
        weight[OUTLIER] /= 50
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["kept"]),
        helper.make_node("Mul", ["rows", "kept"], ["masked"]),
        helper.make_node("Mul", ["masked", "gain"], ["states"]),
        helper.make_node("MatMul", ["states", "a"], ["left"]),
        helper.make_node("MatMul", ["states", "b"], ["right"]),
        helper.make_node("Add", ["left", "right"], ["vectors"]),
    ]
    initialisers = {"table": table, "gain": gain, "last": np.array([2]), **weights}
    sizes = ("n", "length")
    made = helper.make_graph(
        nodes,
        "outlier",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, sizes)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ("n", "length", 80))],
        [numpy_helper.from_array(value, name) for name, value in initialisers.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, str(tmp_path / "graph.onnx"))
    return tmp_path / "graph.onnx"


def test_a_smoothed_graph_computes_the_same(graph: Path, tmp_path: Path) -> None:
    smooth(graph, tmp_path / "smoothed.onnx", feeds=list(map(text_feed, TOKENS)))
    assert np.allclose(run(tmp_path / "smoothed.onnx"), run(graph), rtol=1e-4, atol=1e-3)


def test_a_smoothed_graph_loses_far_less_when_it_is_quantised(graph: Path, tmp_path: Path) -> None:
    smooth(graph, tmp_path / "smoothed.onnx", feeds=list(map(text_feed, TOKENS)))
    errors = {}
    for name in ("graph", "smoothed"):
        quantise(tmp_path / f"{name}.onnx", tmp_path / f"{name}-int8.onnx")
        errors[name] = np.abs(run(tmp_path / f"{name}-int8.onnx") - run(graph)).mean()
    assert errors["smoothed"] < errors["graph"] / 2


def test_only_the_outlier_is_divided(graph: Path, tmp_path: Path) -> None:
    smooth(graph, tmp_path / "smoothed.onnx", feeds=list(map(text_feed, TOKENS)))
    model = onnx.load(str(tmp_path / "smoothed.onnx"))
    (divisor,) = (w for w in model.graph.initializer if w.name.endswith("inverse_scales"))
    assert np.flatnonzero(numpy_helper.to_array(divisor) < 0.5).tolist() == [OUTLIER]
    assert not {"a", "b"} & {weight.name for weight in model.graph.initializer}
