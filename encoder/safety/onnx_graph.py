"""An ONNX graph, read from its bytes alone: which operators it is made of.

A walk over protobuf's wire format (https://protobuf.dev/programming-guides/encoding, onnx.proto3)
that copies no weights, as what serves has no package `onnx`. Refused is what could make a graph
run for ever, run foreign code, read other files or answer at random: control flow, functions,
operators of other domains, weights that lie elsewhere.
"""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from molt.encoder.errors import UnsafeCheckpointError
from molt.encoder.safety.operators import ONNX_OPERATORS

_MOST_FIELDS = 500_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10

# Of each message the fields that hold others which are looked into; what is not here is skipped.
_INNER: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
_REFUSED: Mapping[tuple[str, int], str] = {
    ("model", 20): "holds a training graph",
    ("model", 25): "holds functions of its own",
    ("attribute", 6): "holds a graph within a graph, as control flow has it",
    ("attribute", 11): "holds a graph within a graph, as control flow has it",
    ("tensor", 13): "keeps weights in another file",
}
_DATA_LOCATION = ("tensor", 14)
_OP_TYPE, _DOMAIN = 4, 7


@dataclass(frozen=True)
class _Field:
    number: int
    kind: int
    start: int
    end: int
    value: int


def check_onnx_graph(path: Path) -> None:
    """Raise `UnsafeCheckpointError` unless the graph is made of known operators and itself alone.

    Whether it computes anything is for a runtime to say.
    """
    if not path.stat().st_size:
        raise UnsafeCheckpointError(path, "is no ONNX graph: it is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            foreign = set(_Walk(content).operators()) - ONNX_OPERATORS
        except _RefusedError as error:
            raise UnsafeCheckpointError(path, str(error)) from None
    if foreign:
        raise UnsafeCheckpointError(path, f"uses operator {min(foreign)!r}, which is not allowed")


class _RefusedError(Exception):
    """Why a graph is refused."""


class _Walk:
    """One walk over a model; raises `_RefusedError`."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._left = _MOST_FIELDS

    def operators(self) -> Iterator[str]:
        """The name of each operator, with its domain before it where that is not the default."""
        pending = [("model", 0, len(self._content))]
        while pending:
            message, start, end = pending.pop()
            names: list[str] = []
            domains = [""]
            for field in self._fields(start, end):
                self._refuse(message, field)
                inner = _INNER.get(message, {}).get(field.number)
                if field.kind != _BYTES:
                    continue
                if inner is not None:
                    pending.append((inner, field.start, field.end))
                elif message == "node" and field.number == _OP_TYPE:
                    names.append(self._text(field))
                elif message == "node" and field.number == _DOMAIN:
                    domains.append(self._text(field))
            if message == "node":
                yield from _qualified(names, domains)

    def _refuse(self, message: str, field: _Field) -> None:
        place = message, field.number
        why = _REFUSED.get(place)
        if place == _DATA_LOCATION and field.value:
            why = _REFUSED["tensor", 13]
        if why is not None:
            raise _RefusedError(why)

    def _text(self, field: _Field) -> str:
        return self._content[field.start : min(field.end, field.start + 200)].decode(
            "utf-8", "replace"
        )

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        at = start
        while at < end:
            self._left -= 1
            tag, at = self._varint(at, end)
            number, kind = tag >> 3, tag & 7
            if self._left < 0 or not 0 < number < 2**29:
                raise _RefusedError("is no ONNX graph, or has more parts than any")
            value = 0
            if kind == _VARINT:
                first = at
                value, at = self._varint(at, end)
            elif kind == _BYTES:
                length, first = self._varint(at, end)
                at = first + length
            elif kind in (_FIXED64, _FIXED32):
                first, at = at, at + (8 if kind == _FIXED64 else 4)
            else:
                raise _RefusedError("is no ONNX graph: it is damaged")
            if at > end:
                raise _RefusedError("is no ONNX graph: it ends early")
            yield _Field(number, kind, first, at, value)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number, and where the next thing begins."""
        value = 0
        for place in range(_LONGEST_VARINT):
            if at >= end:
                break
            byte = self._content[at]
            at += 1
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value, at
        raise _RefusedError("is no ONNX graph: it ends early or is damaged")


def _qualified(names: list[str], domains: list[str]) -> Iterator[str]:
    """A reader takes the last of several names or domains; each of them has to be allowed."""
    for name in names or [""]:
        for domain in domains[1:] or [""]:
            yield name if domain in {"", "ai.onnx"} else f"{domain}.{name}"
