"""Graphs that are not what they should be, made of the sound one of a tiny checkpoint."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from molt.encoder import Checkpoint
from tests.checkpoints import seal

Change = Callable[[ModelProto], None]


def with_graph(checkpoint: Checkpoint, change: Change) -> Checkpoint:
    """The checkpoint with its graph changed and everything signed anew."""
    path = checkpoint.path / checkpoint.variants[0].graph
    model = onnx.load(str(path))
    change(model)
    path.write_bytes(model.SerializeToString())
    return seal(checkpoint)


def after(nodes: Sequence[NodeProto], **constants: object) -> Change:
    """Let `nodes` make the output `vectors` of what was it before, now called `before`."""

    def change(model: ModelProto) -> None:
        for node in model.graph.node:
            node.output[:] = ["before" if name == "vectors" else name for name in node.output]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(
            numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
        )

    return change


def body(*nodes: NodeProto, inputs: Sequence[str] = (), outputs: Sequence[str]) -> GraphProto:
    def described(names: Sequence[str]) -> list[onnx.ValueInfoProto]:
        kinds = {"i": TensorProto.INT64, "go": TensorProto.BOOL, "on": TensorProto.BOOL}
        return [
            helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None)
            for name in names
        ]

    return helper.make_graph(nodes, "body", described(inputs), described(outputs))


def endless() -> Change:
    """A loop that never ends."""
    steps = body(
        helper.make_node("Identity", ["go"], ["on"]),
        helper.make_node("Identity", ["x"], ["y"]),
        inputs=("i", "go", "x"),
        outputs=("on", "y"),
    )
    loop = helper.make_node("Loop", ["", "always", "before"], ["vectors"], body=steps)
    return after([loop], always=True)


def greedy(numbers: int) -> Change:
    """Takes that many numbers of memory, for nothing."""
    return after(
        [
            helper.make_node("ConstantOfShape", ["many"], ["zeros"]),
            helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", ["before", "zero"], ["vectors"]),
        ],
        many=np.array([numbers]),
    )


def scaled(by: float) -> Change:
    """Vectors of another length."""
    return after([helper.make_node("Mul", ["before", "by"], ["vectors"])], by=np.float32(by))


def wandering(far: int = 2**40) -> Change:
    """Looks tokens up where there are none."""

    def change(model: ModelProto) -> None:
        model.graph.node[0].input[1] = "far_ids"
        model.graph.node.insert(0, helper.make_node("Add", ["input_ids", "far"], ["far_ids"]))
        model.graph.initializer.append(numpy_helper.from_array(np.array(far), "far"))

    return change


def other_row(token: int, value: float) -> Change:
    """The row of one token is something else."""

    def change(model: ModelProto) -> None:
        (table,) = (one for one in model.graph.initializer if one.name == "table")
        rows = numpy_helper.to_array(table).copy()
        rows[token] = value
        table.CopyFrom(numpy_helper.from_array(rows, "table"))

    return change


def slow(multiplications: int, size: int = 1500) -> Change:
    """Multiplies large matrices, one after the other."""
    nodes = [
        helper.make_node("ConstantOfShape", ["square"], ["zeros"]),
        helper.make_node("ReduceMin", ["before"], ["some"], keepdims=0),  # known at run time only
        helper.make_node("Mul", ["zeros", "some"], ["m0"]),
        *(
            helper.make_node("MatMul", [f"m{at}", f"m{at}"], [f"m{at + 1}"])
            for at in range(multiplications)
        ),
        helper.make_node("ReduceMax", [f"m{multiplications}"], ["zero"], keepdims=0),
        helper.make_node("Add", ["before", "zero"], ["vectors"]),
    ]
    return after(nodes, square=np.array([size, size]))


def write_xml(path: Path, layers: str, *, head: str = "") -> None:
    path.write_text(
        f'<?xml version="1.0"?>{head}<net name="x" version="11"><layers>{layers}</layers></net>'
    )
