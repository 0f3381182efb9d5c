"""Graphs: whether those of a checkpoint are made of what a graph may be made of; loads none."""

from collections.abc import Iterable
from pathlib import Path

from molt.encoder.safety.onnx_graph import check_onnx_graph
from molt.encoder.safety.openvino_graph import check_openvino_graph

_CHECKS = {".onnx": check_onnx_graph, ".xml": check_openvino_graph}


def check_graphs(root: Path, names: Iterable[str]) -> None:
    """Raise `UnsafeCheckpointError` for the first graph among the files `names` that is refused."""
    for name in names:
        check = _CHECKS.get(Path(name).suffix)
        if check is not None:
            check(root / name)
