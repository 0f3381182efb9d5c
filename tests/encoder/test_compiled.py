import os
from pathlib import Path

import numpy as np
import openvino
import pytest

from molt.encoder import Checkpoint, open_checkpoint
from molt.encoder.runtimes.compiled import CompiledGraph, compiled_key
from molt.encoder.runtimes.runtime import load_runtime
from tests.checkpoints import Build, seal, variant, write_graph
from tests.damage import flip_a_bit

IDS = np.array([[2, 7, 9, 3]])


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def checkpoint(build: Build) -> Checkpoint:
    return build(variants=[variant("openvino-fp32", runtime="openvino")])


def vector(checkpoint: Checkpoint, cache: Path) -> np.ndarray:
    runtime = load_runtime(checkpoint, checkpoint.variants[0], threads=1, cache=cache)
    return runtime.run(IDS, np.ones_like(IDS))[0]


def kept(cache: Path) -> tuple[Path, Path]:
    """What was compiled, and its SHA-256."""
    (blob,) = cache.glob("openvino/*.blob")
    return blob, blob.with_name(f"{blob.name}.sha256")


def refuse_to_import(*_: object, **__: object) -> None:
    pytest.fail("nothing was to be loaded from the cache")


def test_what_was_compiled_is_loaded_the_next_time(checkpoint: Checkpoint, cache: Path) -> None:
    first = vector(checkpoint, cache)
    written = kept(cache)[0].stat()
    assert np.array_equal(vector(checkpoint, cache), first)
    assert kept(cache)[0].stat().st_ino == written.st_ino


def test_flipped_bits_are_found_before_the_runtime_loads_them(
    checkpoint: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vector(checkpoint, cache)
    flip_a_bit(kept(cache)[0])
    monkeypatch.setattr(openvino, "Tensor", refuse_to_import)
    assert np.array_equal(vector(checkpoint, cache), first)
    monkeypatch.undo()
    assert np.array_equal(vector(checkpoint, cache), first)


@pytest.mark.parametrize("spoil", ["missing", "empty", "cut", "other", "bytes"])
def test_without_its_sha256_nothing_is_loaded(
    checkpoint: Checkpoint, cache: Path, spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vector(checkpoint, cache)
    blob, digest = kept(cache)
    if spoil == "missing":
        digest.unlink()
    elif spoil == "cut":
        blob.write_bytes(blob.read_bytes()[:-1])
    else:
        digest.write_bytes({"empty": b"", "other": b"0" * 64, "bytes": b"\xff" * 64}[spoil])
    with monkeypatch.context() as patched:
        patched.setattr(openvino, "Tensor", refuse_to_import)
        assert np.array_equal(vector(checkpoint, cache), first)
    assert CompiledGraph(cache / "openvino", blob.stem).read() is not None


def test_what_the_runtime_does_not_take_is_compiled_anew(
    checkpoint: Checkpoint, cache: Path
) -> None:
    first = vector(checkpoint, cache)
    place = CompiledGraph(cache / "openvino", kept(cache)[0].stem)
    place.keep(b"nothing that was ever compiled")
    assert np.array_equal(vector(checkpoint, cache), first)


def test_another_graph_in_the_same_place_is_compiled_although_it_looks_the_same(
    checkpoint: Checkpoint, cache: Path
) -> None:
    """Same path, size and time of change: a restored backup keeps them."""
    first = vector(checkpoint, cache)
    graph = checkpoint.path / "runtime" / "fp32.onnx"
    before = graph.stat()
    write_graph(graph, np.random.default_rng(1).standard_normal((82, 8)).astype("f4"))
    os.utime(graph, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert graph.stat().st_size == before.st_size
    seal(checkpoint)
    assert not np.allclose(vector(open_checkpoint(checkpoint.path), cache), first)


def test_what_nothing_vouches_for_is_removed_when_something_is_kept(
    checkpoint: Checkpoint, cache: Path
) -> None:
    stray = cache / "openvino" / "7839273784969028167.blob"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"written by an earlier version")
    vector(checkpoint, cache)
    assert not stray.exists()


def test_a_cache_that_takes_nothing_keeps_nothing_from_serving(
    checkpoint: Checkpoint, cache: Path
) -> None:
    first = vector(checkpoint, cache)
    blocked = cache.with_name("blocked")
    blocked.write_text("a file where the folder should be")
    assert np.array_equal(vector(checkpoint, blocked), first)


def test_the_key_depends_on_every_file_and_setting() -> None:
    keys = {
        compiled_key(contents, settings)
        for contents in ({"x.xml": "1", "x.bin": "1"}, {"x.xml": "1", "x.bin": "2"}, {"y": "1"})
        for settings in ({"NUM_STREAMS": 1}, {"NUM_STREAMS": 2})
    }
    assert len(keys) == 6
