"""Smoothing: a graph that computes the same and loses less when it is quantised to int8.

In every layer of a BERT a few channels are ten times larger than all others, and one scale for
a whole activation then leaves the others a few bits. As in SmoothQuant (Xiao et al. 2023,
section 4) such a channel is divided before a matrix product and its row of the weight multiplied,
but only where it is an outlier: that costs the weights nothing elsewhere.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from molt.training.export.feeds import Feed
from molt.training.export.precision import narrowing_products

# A channel is an outlier from this many times the median channel on.
_OUTLIER = 2.0


def smooth(graph: Path, target: Path, *, feeds: Sequence[Feed]) -> None:
    """Write `graph` to `target` with its outlier channels divided away before each product.

    `feeds` are texts such as will be encoded; a few dozen are enough.
    """
    model = onnx.load(str(graph))
    products = _products(model)
    largest = _largest(model, list(products), feeds)
    weights = {weight.name: weight for weight in model.graph.initializer}
    for activation, nodes in products.items():
        scales = np.maximum(1, largest[activation] / (_OUTLIER * np.median(largest[activation])))
        if scales.max() > 1:
            _divide(model, activation, nodes, scales.astype(np.float32))
            for node in nodes:
                _multiply(model, node, weights[node.input[1]], scales.astype(np.float32))
    _drop_unused(model)
    onnx.save(model, str(target))


def _products(model: ModelProto) -> dict[str, list[NodeProto]]:
    """The products of an activation with a weight, by the name of the activation.

    Without the narrowing ones, which stay in fp32 (OpenVINO) or get finer scales (ONNX Runtime).
    """
    narrowing = set(narrowing_products(model))
    matrices = {weight.name for weight in model.graph.initializer if len(weight.dims) == 2}
    found: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in matrices and node.name not in narrowing:
            found.setdefault(node.input[0], []).append(node)
    return found


def _largest(
    model: ModelProto, activations: Sequence[str], feeds: Sequence[Feed]
) -> dict[str, NDArray[np.float32]]:
    """The largest magnitude `(channels,)` that each activation takes in any of the texts."""
    watched = ModelProto()
    watched.CopyFrom(model)
    for name in activations:
        watched.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    largest: dict[str, NDArray[np.float32]] = {}
    for feed in feeds:
        for name, value in zip(
            activations, session.run(list(activations), dict(feed)), strict=True
        ):
            seen = np.abs(value).reshape(-1, value.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, seen), seen)
    return largest


def _divide(
    model: ModelProto, activation: str, nodes: Sequence[NodeProto], scales: NDArray[np.float32]
) -> None:
    """Put a division by `scales` between `activation` and `nodes`."""
    divisor, divided = f"{activation}.inverse_scales", f"{activation}.smoothed"
    model.graph.initializer.append(numpy_helper.from_array(1 / scales, divisor))
    at = next(at for at, node in enumerate(model.graph.node) if node.output == nodes[0].output)
    model.graph.node.insert(at, helper.make_node("Mul", [activation, divisor], [divided]))
    for node in nodes:
        node.input[0] = divided


def _multiply(
    model: ModelProto, node: NodeProto, weight: TensorProto, scales: NDArray[np.float32]
) -> None:
    """Give `node` a weight of its own whose rows are multiplied by `scales`."""
    name = f"{node.output[0]}.weight"
    scaled = numpy_helper.to_array(weight) * scales[:, None]
    model.graph.initializer.append(numpy_helper.from_array(scaled, name))
    node.input[1] = name


def _drop_unused(model: ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    kept = [weight for weight in model.graph.initializer if weight.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
