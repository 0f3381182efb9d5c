from dataclasses import replace
from pathlib import Path

import pytest

from molt.encoder import Checkpoint, UnsafeCheckpointError, open_checkpoint
from molt.encoder.safety import contents
from molt.encoder.safety.confinement import ResourceLimits
from molt.encoder.safety.contents import check_model
from tests.checkpoints import seal

pytestmark = pytest.mark.promise("P6", "contents that a checkpoint must not have")

MEBIBYTE = 2**20
LISTS = b'{"x": [' + b"[]," * MEBIBYTE + b"[]]}"
LARGE = ("tokenizer.json", "tokenizer_config.json", "runtime/fp32.xml")


@pytest.fixture
def nothing_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are read in this process are an error; the child is another one."""

    def fail(root: Path) -> None:
        raise AssertionError(root)

    monkeypatch.setattr(contents, "_CHECKS", dict.fromkeys(contents._CHECKS, fail))


def write(checkpoint: Checkpoint, name: str, content: bytes) -> Path:
    path = checkpoint.path / name
    path.write_bytes(content)
    seal(checkpoint)
    return path


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_is_read_in_a_child(
    tiny: Checkpoint, nothing_read_here: None, name: str
) -> None:
    path = write(tiny, name, b"{" + b" " * MEBIBYTE)
    with pytest.raises(UnsafeCheckpointError, match=r"is no(t JSON| XML)") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == path


def test_a_large_header_of_weights_is_read_in_a_child(
    tiny: Checkpoint, nothing_read_here: None
) -> None:
    path = write(tiny, "model.safetensors", len(LISTS).to_bytes(8, "little") + LISTS)
    with pytest.raises(UnsafeCheckpointError, match="tensor 'x' is not described") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == path


def test_a_large_model_is_read_in_a_child(tiny: Checkpoint, nothing_read_here: None) -> None:
    (tiny.path / "config.json").write_bytes(LISTS)
    with pytest.raises(UnsafeCheckpointError, match=r"config\.json: model_type None"):
        check_model(tiny.path)


def test_a_large_checkpoint_that_is_sound_is_opened(
    tiny: Checkpoint, nothing_read_here: None
) -> None:
    write(tiny, "tokenizer_config.json", b"{}" + b" " * MEBIBYTE)
    assert open_checkpoint(tiny.path).dimension == tiny.dimension


def test_what_takes_too_much_memory_to_read_is_refused(
    tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = ResourceLimits(memory=16 * MEBIBYTE, cpu_seconds=60, wall_seconds=120.0)
    monkeypatch.setattr(ResourceLimits, "of_text", lambda _: limits)
    write(tiny, "tokenizer_config.json", LISTS)
    with pytest.raises(UnsafeCheckpointError, match="takes more than 16 MiB of memory") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / "tokenizer_config.json"


def test_a_prompt_longer_than_any_is_refused(tiny: Checkpoint) -> None:
    """It stands before each text, so as often in memory as there are texts in a request."""
    seal(replace(tiny, prompts=replace(tiny.prompts, query="a" * 5000)))
    with pytest.raises(UnsafeCheckpointError, match=r"prompts\.query"):
        open_checkpoint(tiny.path)
