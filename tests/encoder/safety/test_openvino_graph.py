from pathlib import Path

import pytest

from molt.encoder import UnsafeCheckpointError
from molt.encoder.safety.openvino_graph import check_openvino_graph
from tests.encoder.safety.graphs import write_xml

CONST = '<layer id="0" type="Const" version="opset1"><data {} /></layer>'


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    (tmp_path / "x.bin").write_bytes(bytes(100))
    return tmp_path / "x.xml"


def test_the_graph_of_the_default_checkpoint_is_let_pass(default_checkpoint: Path) -> None:
    check_openvino_graph(default_checkpoint / "runtime" / "openvino-int8.xml")


def test_weights_to_the_last_byte_are_let_pass(graph: Path) -> None:
    write_xml(graph, CONST.format('offset="60" size="40"'))
    check_openvino_graph(graph)


@pytest.mark.parametrize(
    "data",
    [
        'offset="61" size="40"',
        'offset="0" size="101"',
        'offset="18446744073709551615" size="1"',
        'offset="99999999999999999999999999" size="1"',
        'offset="-1" size="1"',
        'offset="0"',
        'offset="0x0" size="1"',
    ],
)
def test_weights_outside_of_their_file_are_refused(graph: Path, data: str) -> None:
    write_xml(graph, CONST.format(data))
    with pytest.raises(UnsafeCheckpointError, match="weights outside of the file"):
        check_openvino_graph(graph)


@pytest.mark.parametrize(
    "layer",
    [
        '<layer type="Loop" version="opset5" />',
        '<layer type="TensorIterator" version="opset1" />',
        '<layer type="If" version="opset8" />',
        '<layer type="ReadValue" version="opset6" />',
        '<layer type="RandomUniform" version="opset8" />',
        '<layer type="Mine" version="extension" />',
        '<layer type="Add" version="extension" />',
        "<layer />",
    ],
)
def test_a_layer_that_is_not_on_the_list_is_refused(graph: Path, layer: str) -> None:
    write_xml(graph, layer)
    with pytest.raises(UnsafeCheckpointError, match="which is not allowed"):
        check_openvino_graph(graph)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        '<!DOCTYPE net SYSTEM "file:///etc/hostname">',
    ],
)
def test_a_document_type_is_refused_before_anything_of_it_is_read(graph: Path, head: str) -> None:
    write_xml(graph, "", head=head)
    with pytest.raises(UnsafeCheckpointError, match="declares a document type"):
        check_openvino_graph(graph)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is no XML"),
        ("<net><layers>", "is no XML"),
        ("<other />", "is no graph"),
        ("<net>" * 100 + "</net>" * 100, "nests deeper"),
        (
            "<net><layers><layer type='Add' version='opset1'><body/></layer></layers></net>",
            "within",
        ),
    ],
)
def test_what_is_no_graph_is_refused(graph: Path, content: str, why: str) -> None:
    graph.write_text(content)
    with pytest.raises(UnsafeCheckpointError, match=why):
        check_openvino_graph(graph)
