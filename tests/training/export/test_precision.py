import logging
import sys
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from molt.training.export.precision import narrowing_products
from molt.training.export.quantise import quantise
from molt.training.export.rewriting.embeddings import quantise_embeddings
from tests.training.export.graphs import run

ROWS, WIDTH, WIDE = 1200, 32, 128
LAYERS = 3


def feed_forward() -> onnx.ModelProto:
    """A table, then layers that widen and narrow again as a BERT's feed-forward parts do."""
    random = np.random.default_rng(0)
    scales = np.geomspace(0.01, 10, ROWS)[:, None]
    weights = {"table": (random.standard_normal((ROWS, WIDTH)) * scales).astype(np.float32)}
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["state0"]),
        helper.make_node("Cast", ["attention_mask"], ["ignored"], to=TensorProto.FLOAT),
    ]
    for layer in range(LAYERS):
        up, down = f"up{layer}", f"down{layer}"
        weights[up] = random.standard_normal((WIDTH, WIDE)).astype(np.float32) / 8
        weights[down] = random.standard_normal((WIDE, WIDTH)).astype(np.float32) / 16
        nodes += [
            helper.make_node("MatMul", [f"state{layer}", up], [f"wide{layer}"], name=up),
            helper.make_node("Relu", [f"wide{layer}"], [f"active{layer}"]),
            helper.make_node("MatMul", [f"active{layer}", down], [f"state{layer + 1}"], name=down),
        ]
    nodes.append(helper.make_node("Identity", [f"state{LAYERS}"], ["vectors"]))
    sizes = ("n", "length")
    graph = helper.make_graph(
        nodes,
        "feed-forward",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, sizes)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, (*sizes, WIDTH))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_the_narrowing_products_are_found() -> None:
    assert narrowing_products(feed_forward()) == ["down0", "down1", "down2"]


def test_they_are_quantised_in_blocks_and_no_matrix_stays_in_fp32(tmp_path: Path) -> None:
    onnx.save(feed_forward(), str(tmp_path / "graph.onnx"))
    quantise(tmp_path / "graph.onnx", tmp_path / "int8.onnx")
    graph = onnx.load(str(tmp_path / "int8.onnx")).graph
    matrices = {
        tuple(weight.dims)
        for weight in graph.initializer
        if weight.data_type == TensorProto.FLOAT and len(weight.dims) == 2 and min(weight.dims) > 1
    }
    assert matrices == set()
    kinds = Counter(node.op_type for node in graph.node)
    assert (kinds["MatMulInteger"], kinds["MatMulNBits"]) == (LAYERS, LAYERS)


def test_a_row_of_the_table_loses_at_most_half_a_step_of_its_own_scale(tmp_path: Path) -> None:
    model = feed_forward()
    table = numpy_helper.to_array(model.graph.initializer[0])
    quantise_embeddings(model)
    del model.graph.node[-1]
    model.graph.node.append(helper.make_node("Identity", ["state0"], ["vectors"]))
    onnx.save(model, str(tmp_path / "table.onnx"))
    found = run(tmp_path / "table.onnx")[0]
    wanted = table[: len(found)]
    step = np.abs(wanted).max(axis=1) / 127
    assert (np.abs(found - wanted).max(axis=1) <= step * 0.501).all()


def test_a_small_table_is_left_alone() -> None:
    model = feed_forward()
    table = numpy_helper.to_array(model.graph.initializer[0])[:900]
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(table, "table"))
    quantise_embeddings(model)
    assert "table" in [weight.name for weight in model.graph.initializer]


def test_quantising_leaves_the_root_logger_as_it_was(tmp_path: Path) -> None:
    onnx.save(feed_forward(), str(tmp_path / "graph.onnx"))
    before = logging.getLogger().handlers.copy(), logging.getLogger().level
    sys.modules.pop("onnxruntime.quantization.matmul_nbits_quantizer", None)
    with mock.patch.object(logging.getLogger(), "handlers", []):
        quantise(tmp_path / "graph.onnx", tmp_path / "int8.onnx")
        assert logging.getLogger().handlers == []
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
