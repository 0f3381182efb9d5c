import os
from pathlib import Path

import pytest

from molt.encoder import Checkpoint, UnsafeCheckpointError, open_checkpoint
from molt.encoder.allowlist import check_source_files, is_graph
from tests.checkpoints import REAL_MODEL

pytestmark = pytest.mark.promise("P6", "files that a checkpoint must not hold")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A foreign model directory; the allow-list looks at names alone."""
    folder = tmp_path / "source"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "1_Pooling/config.json", "card.png"):
        (folder / name).write_bytes(b"{}")
    return folder


def test_a_file_that_the_manifest_does_not_list_is_refused(tiny: Checkpoint) -> None:
    (tiny.path / "LICENSE").write_text("mine")
    with pytest.raises(UnsafeCheckpointError, match="LICENSE: the manifest does not list"):
        open_checkpoint(tiny.path)


@pytest.mark.parametrize(
    "name", ["custom.py", "pytorch_model.bin", "model.pt", "runtime/x.pkl", "runtime/.onnx", "a/b"]
)
def test_a_file_of_a_foreign_name_is_refused(tiny: Checkpoint, name: str) -> None:
    (tiny.path / name).parent.mkdir(exist_ok=True)
    (tiny.path / name).write_bytes(b"")
    with pytest.raises(UnsafeCheckpointError, match="may not hold a file of this name") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == tiny.path / name


def test_a_linked_file_is_refused_even_where_its_content_is_right(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    path = tiny.path / "tokenizer.json"
    path.rename(tmp_path / "outside.json")
    path.symlink_to(tmp_path / "outside.json")
    with pytest.raises(UnsafeCheckpointError, match="is a symbolic link") as raised:
        open_checkpoint(tiny.path)
    assert raised.value.path == path


def test_a_linked_folder_is_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    (tiny.path / "runtime").rename(tmp_path / "runtime")
    (tiny.path / "runtime").symlink_to(tmp_path / "runtime")
    with pytest.raises(UnsafeCheckpointError, match="runtime: is a symbolic link"):
        open_checkpoint(tiny.path)


def test_a_linked_checkpoint_is_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tiny.path)
    with pytest.raises(UnsafeCheckpointError, match="a link to one is not followed"):
        open_checkpoint(link)


def test_a_pipe_is_refused_and_never_waited_for(tiny: Checkpoint) -> None:
    os.mkfifo(tiny.path / "README.md")
    with pytest.raises(UnsafeCheckpointError, match="neither a file nor a directory"):
        open_checkpoint(tiny.path)


def test_a_file_beyond_its_limit_is_refused_before_it_is_hashed(tiny: Checkpoint) -> None:
    os.truncate(tiny.path / "config.json", 2**20 + 1)
    with pytest.raises(UnsafeCheckpointError, match="1048577 bytes where 1048576 are allowed"):
        open_checkpoint(tiny.path)


def test_a_manifest_that_would_fill_the_memory_is_never_read(tiny: Checkpoint) -> None:
    os.truncate(tiny.path / "checkpoint.json", 2**40)
    with pytest.raises(UnsafeCheckpointError, match=r"checkpoint\.json: \d+ bytes where"):
        open_checkpoint(tiny.path)


def test_a_source_may_hold_files_that_nobody_reads(source: Path) -> None:
    check_source_files(source)


def test_the_real_model_passes_as_a_source() -> None:
    check_source_files(REAL_MODEL)


@pytest.mark.parametrize("name", ["modeling.py", "1_Pooling/x.PY", "lib.so", "run.sh"])
def test_a_source_with_code_is_refused(source: Path, name: str) -> None:
    (source / name).write_text("")
    with pytest.raises(UnsafeCheckpointError, match="holds code, which Molt never runs") as raised:
        check_source_files(source)
    assert raised.value.path == source / name


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pt", "1_Pooling/x.PKL", "a.ckpt", "a.pth", "a.npy"]
)
def test_a_source_with_pickles_is_refused_and_told_to_use_safetensors(
    source: Path, name: str
) -> None:
    (source / name).write_bytes(b"")
    with pytest.raises(UnsafeCheckpointError, match="save the model as safetensors") as raised:
        check_source_files(source)
    assert raised.value.path == source / name


STATE = ["optimizer.pt", "training_args.bin", "rng_state_0.pth", "checkpoint-5/scheduler.pt"]


def test_what_a_trainer_left_beside_the_weights_is_left_out(source: Path) -> None:
    (source / "checkpoint-5").mkdir()
    for name in STATE:
        (source / name).write_bytes(b"")
    assert check_source_files(source) == tuple(sorted(STATE))


def test_what_a_trainer_left_is_refused_where_there_are_no_weights(source: Path) -> None:
    (source / "model.safetensors").unlink()
    (source / "optimizer.pt").write_bytes(b"")
    with pytest.raises(UnsafeCheckpointError, match="save the model as safetensors"):
        check_source_files(source)


def test_all_pickles_of_a_source_are_named_at_once(source: Path) -> None:
    for name in ("pytorch_model.bin", "head.pkl", "optimizer.pt"):
        (source / name).write_bytes(b"")
    with pytest.raises(
        UnsafeCheckpointError, match=r"head\.pkl: .*so may pytorch_model\.bin; "
    ) as e:
        check_source_files(source)
    assert "optimizer" not in str(e.value)


def test_a_source_with_a_link_out_of_it_is_refused(source: Path) -> None:
    (source / "tokenizer.json").symlink_to("/etc/hostname")
    with pytest.raises(UnsafeCheckpointError, match=r"tokenizer\.json: is a symbolic link"):
        check_source_files(source)


def test_graphs_lie_under_runtime_and_nowhere_else() -> None:
    names = ["runtime/fp32.onnx", "runtime/int8.xml", "runtime/int8.bin", "fp32.onnx"]
    traversals = ["runtime/../fp32.onnx", "runtime//fp32.onnx", "runtime/fp32.onnx\n", "/x.onnx"]
    assert [name for name in names + traversals if is_graph(name)] == names[:2]
