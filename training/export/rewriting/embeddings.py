"""The embedding table in int8, each of its rows with a scale of its own.

Four times smaller, and nearer to fp32 than one scale for the whole table would be.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_LEAST_ROWS = 1000  # smaller tables, of positions and types, are not worth it


def quantise_table(graph: Path, target: Path) -> bool:
    """Write the form of a static embedding's `graph` with its table in int8, where that is large.

    Whether it was written.
    """
    model = onnx.load(str(graph))
    if not any(_is_large(weight) for weight in model.graph.initializer):
        return False
    quantise_embeddings(model)
    onnx.save(model, str(target))
    return True


def quantise_embeddings(model: ModelProto) -> None:
    """Replace every lookup in a large fp32 table of `model` by one in int8 and one of scales."""
    weights = {weight.name: weight for weight in model.graph.initializer}
    for node in list(model.graph.node):
        table = weights.get(node.input[0]) if node.op_type == "Gather" else None
        if table is not None and _is_large(table):
            _replace(model, node, table)
            model.graph.initializer.remove(table)


def _is_large(table: TensorProto) -> bool:
    return (
        table.data_type == TensorProto.FLOAT
        and len(table.dims) == 2
        and table.dims[0] >= _LEAST_ROWS
    )


def _replace(model: ModelProto, node: NodeProto, table: TensorProto) -> None:
    rows = numpy_helper.to_array(table)
    scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, np.float32(1e-12))
    codes = np.rint(rows / scales).astype(np.int8)
    name, ids, output = table.name, node.input[1], node.output[0]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(codes, f"{name}.codes"),
            numpy_helper.from_array(scales.astype(np.float32), f"{name}.scales"),
        ]
    )
    at = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    lookups = (
        helper.make_node("Gather", [f"{name}.codes", ids], [f"{output}.codes"]),
        helper.make_node("Cast", [f"{output}.codes"], [f"{output}.values"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}.scales", ids], [f"{output}.scales"]),
        helper.make_node("Mul", [f"{output}.values", f"{output}.scales"], [output]),
    )
    for offset, lookup in enumerate(lookups):
        model.graph.node.insert(at + offset, lookup)
