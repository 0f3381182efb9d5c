"""A graph in OpenVINO's own format: an XML file of layers, and their weights in a file beside it.

Read as XML alone, without document types, so that no entity grows or leads elsewhere. Refused are
layers that are not on the allow-list, and weights outside of the file that they should lie in.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from molt.encoder.errors import UnsafeCheckpointError
from molt.encoder.safety.operators import IR_LAYERS

_SETS = re.compile(r"opset\d{1,2}")
_DEEPEST = 32
_NUMBER = re.compile(r"\d{1,19}")


def check_openvino_graph(path: Path) -> None:
    """Raise `UnsafeCheckpointError` unless it is made of known layers and its own weights."""
    weights = path.with_suffix(".bin")
    size = weights.stat().st_size if weights.is_file() else 0
    try:
        _Reader(size).read(path.read_bytes())
    except expat.ExpatError as error:
        raise UnsafeCheckpointError(path, f"is no XML ({error})") from None
    except _RefusedError as error:
        raise UnsafeCheckpointError(path, str(error)) from None


class _RefusedError(Exception):
    """Why a graph is refused."""


class _Reader:
    """Looks at each element of one file; raises `_RefusedError`."""

    def __init__(self, weights: int) -> None:
        self._weights = weights
        self._depth = 0
        self._root: str | None = None

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.Parse(content, True)  # noqa: FBT003
        if self._root != "net":
            raise _RefusedError("is no graph in OpenVINO's format")

    def _refuse_doctype(self, *_: object) -> NoReturn:
        raise _RefusedError("declares a document type, which no graph needs")

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._root = self._root or name
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _RefusedError("nests deeper than any graph")
        if name == "layer":
            self._check_layer(attributes)
        elif name in {"body", "then_body", "else_body", "port_map", "back_edges"}:
            raise _RefusedError("holds a graph within a graph, as control flow has it")
        if name == "data":
            self._check_weights(attributes)

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _check_layer(self, attributes: Mapping[str, str]) -> None:
        kind, version = attributes.get("type", ""), attributes.get("version", "")
        if kind not in IR_LAYERS or not _SETS.fullmatch(version):
            raise _RefusedError(
                f"has a layer {kind[:100]!r} of {version[:100]!r}, which is not allowed"
            )

    def _check_weights(self, attributes: Mapping[str, str]) -> None:
        if "offset" not in attributes:
            return
        found = [attributes.get(name, "") for name in ("offset", "size")]
        sound = all(_NUMBER.fullmatch(number) for number in found)
        if not sound or sum(map(int, found)) > self._weights:
            raise _RefusedError("has weights outside of the file that they should lie in")
