from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from molt.encoder import Checkpoint, UnsafeCheckpointError, open_checkpoint
from molt.encoder.safety.onnx_graph import check_onnx_graph
from molt.encoder.safety.operators import ONNX_OPERATORS
from tests.encoder.safety.graphs import Change, after, body, endless, with_graph


def test_the_graphs_of_the_default_checkpoint_are_let_pass(default_checkpoint: Path) -> None:
    graphs = list((default_checkpoint / "runtime").glob("*.onnx"))
    assert len(graphs) == 2
    for graph in graphs:
        check_onnx_graph(graph)


def branching() -> Change:
    same = body(helper.make_node("Identity", ["before"], ["y"]), outputs=["y"])
    choice = helper.make_node("If", ["sure"], ["vectors"], then_branch=same, else_branch=same)
    return after([choice], sure=True)


def with_function(model: ModelProto) -> None:
    doubled = helper.make_node("Add", ["x", "x"], ["y"])
    opsets = [helper.make_opsetid("", 18)]
    model.functions.append(
        helper.make_function("mine", "Double", ["x"], ["y"], [doubled], opset_imports=opsets)
    )


def at_random() -> Change:
    return after([helper.make_node("RandomNormalLike", ["before"], ["vectors"])])


def of_somebody(domain: str) -> Change:
    return after([helper.make_node("Mine", ["before"], ["vectors"], domain=domain)])


def elsewhere(model: ModelProto) -> None:
    (table,) = (one for one in model.graph.initializer if one.name == "table")
    table.ClearField("raw_data")
    table.data_location = TensorProto.EXTERNAL
    table.external_data.add(key="location", value="../model.safetensors")


def hidden_in_an_attribute(model: ModelProto) -> None:
    value = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    value.external_data.add(key="location", value="../model.safetensors")
    model.graph.node.append(helper.make_node("Constant", [], ["w"], value=value))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (endless(), "a graph within a graph"),
        (branching(), "a graph within a graph"),
        (with_function, "functions of its own"),
        (at_random(), "uses operator 'RandomNormalLike', which is not allowed"),
        (of_somebody("mine"), r"uses operator 'mine\.Mine', which is not allowed"),
        (of_somebody("com.microsoft"), r"'com\.microsoft\.Mine', which is not allowed"),
        (elsewhere, "keeps weights in another file"),
        (hidden_in_an_attribute, "keeps weights in another file"),
    ],
)
def test_a_graph_of_something_else_is_refused_although_every_checksum_holds(
    tiny: Checkpoint, change: Change, why: str
) -> None:
    with_graph(tiny, change)
    with pytest.raises(UnsafeCheckpointError, match=why) as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / "runtime" / "fp32.onnx"


def test_a_second_name_behind_an_allowed_one_is_seen(tiny: Checkpoint, tmp_path: Path) -> None:
    """A reader of protobuf takes the last value of a field that is there twice."""
    path = tiny.path / "runtime" / "fp32.onnx"
    model = onnx.load(str(path))
    node = model.graph.node[0].SerializeToString()
    twice = node.replace(b"\x22\x06Gather", b"\x22\x04Loop\x22\x06Gather")
    assert twice != node
    graph = model.graph.SerializeToString().replace(
        bytes([0x0A, len(node)]) + node, bytes([0x0A, len(twice)]) + twice
    )
    head = ModelProto(ir_version=10).SerializeToString()
    length = len(graph)
    varint = bytes([length & 0x7F | 0x80, length >> 7]) if length > 0x7F else bytes([length])
    path.write_bytes(head + b"\x3a" + varint + graph)
    with pytest.raises(UnsafeCheckpointError, match="'Loop'"):
        check_onnx_graph(path)


@pytest.mark.parametrize("content", [b"", b"no graph", b"\xff" * 64, b"\x3a\x7f", b"\x3b\x00"])
def test_what_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(UnsafeCheckpointError, match="is no ONNX graph"):
        check_onnx_graph(path)


def test_a_graph_that_was_cut_off_anywhere_fails_in_no_other_way(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    content = (tiny.path / "runtime" / "fp32.onnx").read_bytes()
    path = tmp_path / "x.onnx"
    refused = 0
    for end in np.linspace(1, len(content) - 1, 200, dtype=int):
        path.write_bytes(content[:end])
        try:
            check_onnx_graph(path)
        except UnsafeCheckpointError:
            refused += 1
    assert refused > 190


def test_no_operator_of_control_flow_or_chance_is_on_the_list() -> None:
    assert not ONNX_OPERATORS & {"Loop", "If", "Scan", "SequenceMap", "RandomNormal", "Bernoulli"}
