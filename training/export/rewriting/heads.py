"""The head of a traced cross-encoder, put as quantisers take it.

A linear layer of one vector a text is traced as Gemm, which ONNX Runtime's quantiser rewrites with
shapes that contradict each other. As a matrix product it can be quantised like those of the layers;
the one that is left with a single number becomes a sum, which stays in fp32.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper


def spell_out_gemms(path: Path) -> None:
    """Replace each Gemm of the graph at `path` by what it computes."""
    model = onnx.load(str(path))
    for node in [node for node in model.graph.node if node.op_type == "Gemm"]:
        _replace(model, node)
    onnx.save(model, str(path))


def _replace(model: ModelProto, node: NodeProto) -> None:
    states, weight, *bias = node.input
    (tensor,) = (each for each in model.graph.initializer if each.name == weight)
    transposed = any(each.name == "transB" and each.i for each in node.attribute)
    values = numpy_helper.to_array(tensor)
    columns = values.T if transposed else values
    output = node.output[0]
    product = f"{output}.product" if bias else output
    spell = _sum if columns.shape[1] == 1 else _product
    nodes = spell(model, states, columns, product)
    if bias:
        nodes.append(helper.make_node("Add", [product, bias[0]], [output], name=f"{output}.added"))
    at = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for offset, each in enumerate(nodes):
        model.graph.node.insert(at + offset, each)


def _product(
    model: ModelProto, states: str, columns: NDArray[np.float32], output: str
) -> list[NodeProto]:
    weight = f"{output}.columns"
    model.graph.initializer.append(numpy_helper.from_array(columns.copy(), weight))
    return [helper.make_node("MatMul", [states, weight], [output], name=output)]


def _sum(
    model: ModelProto, states: str, columns: NDArray[np.float32], output: str
) -> list[NodeProto]:
    row, axis, weighted = f"{output}.row", f"{output}.axis", f"{output}.weighted"
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(columns.T.copy(), row),
            numpy_helper.from_array(np.array([1]), axis),
        ]
    )
    return [
        helper.make_node("Mul", [states, row], [weighted], name=weighted),
        helper.make_node("ReduceSum", [weighted, axis], [output], name=output, keepdims=1),
    ]
