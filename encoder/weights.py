"""Weights: a safetensors file, checked from its header alone, and read a tensor at a time.

safetensors cannot run code, but its header can promise shapes that fill the memory, and a
reader believes it. See https://github.com/huggingface/safetensors#format.
"""

from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from molt.encoder.errors import UnsafeCheckpointError

_HEADER_LIMIT = 16 * 1024 * 1024
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1}
_NUMPY = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_FLOATS = frozenset(("F64", "F32", "F16", "BF16"))
# What model2vec and sentence-transformers call the table of a static embedding.
_TABLES = frozenset(("embeddings", "embedding.weight"))
_MOST_TOKENS = 4_000_000
_MOST_AXES = 8


def check_weights(path: Path) -> None:
    """Raise `UnsafeCheckpointError` unless the tensors that the header declares tile the file."""
    header, body = _header(path)
    spans = sorted(
        _span(path, name, entry) for name, entry in header.items() if name != "__metadata__"
    )
    if not spans or spans[0][0] != 0 or spans[-1][1] != body:
        raise UnsafeCheckpointError(path, f"its tensors do not cover its {body} bytes")
    if any(left[1] != right[0] for left, right in pairwise(spans)):
        raise UnsafeCheckpointError(path, "its tensors overlap or leave gaps")


def check_table(path: Path, *, width: object) -> None:
    """Raise `UnsafeCheckpointError` unless the one tensor is a table `(tokens, width)` of floats.

    Of a file that `check_weights` has let pass. A second tensor could have a reader build a larger
    table from it.
    """
    tensors = {name: entry for name, entry in _header(path)[0].items() if name != "__metadata__"}
    (name, entry), *more = tensors.items()
    shape, kind = entry["shape"], entry["dtype"]  # type: ignore[index]
    if more or name not in _TABLES or kind not in _FLOATS:
        raise UnsafeCheckpointError(
            path, f"holds {sorted(tensors)}, not one table of token vectors"
        )
    if len(shape) != 2 or shape[1] != width or not 0 < shape[0] <= _MOST_TOKENS:
        raise UnsafeCheckpointError(path, f"its table is {shape}, where the width is {width!r}")


def header_size(path: Path) -> int:
    """How many bytes of JSON the file says its header has; 0 where there is no file."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return min(int.from_bytes(file.read(8), "little"), path.stat().st_size)


class Tensors:
    """The tensors of a file that `check_weights` has let pass, as float32, each when it is wanted.

    Raises `KeyError` for one that it lacks, and `ValueError` for one that holds no floats.
    """

    def __init__(self, path: Path) -> None:
        header, body = _header(path)
        self._entries: dict[str, Any] = {
            name: entry for name, entry in header.items() if name != "__metadata__"
        }
        self._content = np.memmap(path, np.uint8, mode="r", offset=path.stat().st_size - body)

    @property
    def names(self) -> list[str]:
        """The name of each, as the file has it."""
        return list(self._entries)

    @property
    def kinds(self) -> frozenset[str]:
        """The types of number that occur, as safetensors calls them."""
        return frozenset(entry["dtype"] for entry in self._entries.values())

    def named(self, name: str) -> str:
        """The name in the file, which may put the model's own name first."""
        if name in self._entries:
            return name
        longer = [each for each in self._entries if each.partition(".")[2] == name]
        if len(longer) != 1:
            raise KeyError(name)
        return longer[0]

    def whole(self, name: str) -> NDArray[np.float32]:
        """All of it."""
        return _widened(self._raw(name))

    def rows(self, name: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Some rows of a matrix."""
        return _widened(self._raw(name)[rows])

    def _raw(self, name: str) -> NDArray[Any]:
        entry = self._entries[name]
        start, end = entry["data_offsets"]
        kind = _NUMPY.get(entry["dtype"])
        if kind is None:
            raise ValueError(f"tensor {name!r} holds no floats")
        return self._content[start:end].view(kind).reshape(entry["shape"])


def _widened(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32; the upper half of one is what bfloat16 is."""
    if values.dtype == np.uint16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return np.asarray(values, dtype=np.float32)


def _header(path: Path) -> tuple[dict[str, object], int]:
    """The header, and how many bytes of tensors follow it."""
    if not path.is_file():
        raise UnsafeCheckpointError(
            path, "the file is missing; save the model as one file of safetensors"
        )
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(_HEADER_LIMIT, size - 8):
            raise UnsafeCheckpointError(path, f"declares a header of {length} bytes")
        raw = file.read(length)
    try:
        header = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UnsafeCheckpointError(path, f"its header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise UnsafeCheckpointError(path, "its header is not a JSON object")
    return header, size - 8 - length


def _span(path: Path, name: str, entry: object) -> tuple[int, int]:
    """Where a tensor begins and ends, once its shape and type account for exactly that."""
    try:
        shape, (start, end) = entry["shape"], entry["data_offsets"]  # type: ignore[index]
        if len(shape) > _MOST_AXES:
            raise UnsafeCheckpointError(path, f"tensor {name!r} has {len(shape)} axes")
        declared = prod(shape) * _BYTES[entry["dtype"]]  # type: ignore[index]
        if min(shape, default=0) < 0 or end - start != declared:
            raise UnsafeCheckpointError(
                path, f"tensor {name!r} declares {declared} bytes and has {end - start}"
            )
    except (KeyError, TypeError, ValueError):
        raise UnsafeCheckpointError(path, f"tensor {name!r} is not described properly") from None
    return start, end
