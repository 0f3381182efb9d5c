"""Which products of a graph need more than one scale for each row of activations.

What comes out of a feed-forward layer's activation function is the hardest to quantise: most
values lie near zero and a few far away, in channels that change with the text, so that smoothing
cannot help. The product that takes it in narrows it to the layer's width again; half of what int8
costs a MiniLM in fidelity is lost there.
"""

from onnx import ModelProto, NodeProto, TensorProto


def narrowing_products(model: ModelProto) -> list[str]:
    """Names of the narrowing products."""
    weights = {weight.name: weight for weight in model.graph.initializer}
    return [node.name for node in model.graph.node if _narrows(node, weights)]


def _narrows(node: NodeProto, weights: dict[str, TensorProto]) -> bool:
    if node.op_type != "MatMul" or node.input[1] not in weights:
        return False
    shape = weights[node.input[1]].dims
    return len(shape) == 2 and shape[0] > shape[1]
