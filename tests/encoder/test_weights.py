import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from molt.encoder import UnsafeCheckpointError
from molt.encoder.weights import check_weights
from tests.checkpoints import REAL_MODEL

pytestmark = pytest.mark.promise("P6", "weights whose head lies")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def write(path: Path, header: object, *, body: int = 16) -> None:
    raw = json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(body))


def tensor(start: int, end: int, **changes: Any) -> dict[str, Any]:
    shape = [(end - start) // 4]
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]} | changes


def refusal(path: Path) -> str:
    with pytest.raises(UnsafeCheckpointError) as raised:
        check_weights(path)
    assert raised.value.path == path
    return str(raised.value)


def test_what_safetensors_writes_passes(path: Path) -> None:
    tensors = {"a": np.zeros((2, 3), "f4"), "b": np.zeros(5, "i8"), "scalar": np.array(1, "f4")}
    save_file(tensors, path, metadata={"format": "pt"})
    check_weights(path)


def test_the_real_weights_pass() -> None:
    check_weights(REAL_MODEL / "model.safetensors")


@pytest.mark.parametrize("shape", [[2**62, 2**62], [10**9], [5], [-4], [-2, -2], [0]])
def test_a_shape_that_its_bytes_do_not_hold_is_refused(path: Path, shape: list[int]) -> None:
    write(path, {"a": tensor(0, 16, shape=shape)})
    assert "tensor 'a' declares" in refusal(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "OBJECT"},
        {"dtype": ["F32"]},
        {"shape": "4"},
        {"shape": None},
        {"data_offsets": [0]},
        {"data_offsets": [0, 16, 32]},
        {"data_offsets": ["0", "16"]},
    ],
)
def test_a_tensor_that_is_not_described_properly_is_refused(
    path: Path, changes: dict[str, Any]
) -> None:
    write(path, {"a": tensor(0, 16, **changes)})
    assert "tensor 'a' is not described properly" in refusal(path)


def test_a_shape_that_would_take_an_age_to_multiply_is_refused(path: Path) -> None:
    write(path, {"a": tensor(0, 16, shape=[2**63] * 500_000)})
    assert "tensor 'a' has 500000 axes" in refusal(path)


@pytest.mark.parametrize("entry", [None, 1, "x", []])
def test_a_tensor_that_is_no_object_is_refused(path: Path, entry: object) -> None:
    write(path, {"a": entry})
    assert "tensor 'a' is not described properly" in refusal(path)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ((0, 8), (4, 16), "overlap or leave gaps"),
        ((0, 4), (8, 16), "overlap or leave gaps"),
        ((4, 8), (8, 16), "do not cover its 16 bytes"),
        ((0, 4), (4, 8), "do not cover its 16 bytes"),
        ((0, 8), (8, 2**40), "do not cover its 16 bytes"),
    ],
)
def test_tensors_must_tile_the_file(
    path: Path, first: tuple[int, int], second: tuple[int, int], message: str
) -> None:
    write(path, {"a": tensor(*first), "b": tensor(*second)})
    assert message in refusal(path)


@pytest.mark.parametrize("header", [{}, {"__metadata__": {"format": "pt"}}])
def test_weights_without_tensors_are_refused(path: Path, header: object) -> None:
    write(path, header)
    assert "do not cover its 16 bytes" in refusal(path)


@pytest.mark.parametrize("length", [2**63, 17 * 2**20, 9])
def test_a_header_longer_than_the_file_or_the_limit_is_never_read(path: Path, length: int) -> None:
    path.write_bytes(length.to_bytes(8, "little") + b"{}")
    assert f"declares a header of {length} bytes" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"1234567"])
def test_a_file_too_short_for_a_header_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "declares a header of" in refusal(path)


def test_a_header_that_is_not_json_is_refused(path: Path) -> None:
    path.write_bytes((2).to_bytes(8, "little") + b"{x")
    assert "its header is not JSON" in refusal(path)


def test_a_header_that_is_no_object_is_refused(path: Path) -> None:
    write(path, [1])
    assert "its header is not a JSON object" in refusal(path)


def test_missing_weights_say_how_to_save_them(path: Path) -> None:
    assert "save the model as one file of safetensors" in refusal(path)
