import inspect
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from molt.encoder import Checkpoint, NoVariantError, open_checkpoint
from molt.encoder.runtimes.runtime import Runtime, load_runtime
from molt.encoder.scheduling.batching import packed, singles
from molt.encoder.tokenizer import Tokenizer
from tests.checkpoints import DIMENSION, Build

VARIANTS = ["onnx-fp32", "onnx-int8", "openvino-int8", "openvino-bf16"]
Load = Callable[[str], Runtime]


@pytest.fixture(scope="module")
def checkpoint(default_checkpoint: Path) -> Checkpoint:
    return open_checkpoint(default_checkpoint)


@pytest.fixture(scope="module")
def load(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Loads a variant of the default checkpoint, once."""
    folder = tmp_path_factory.mktemp("cache")

    @cache
    def load_it(name: str) -> Runtime:
        found = [variant for variant in checkpoint.variants if variant.name == name]
        if not found:
            pytest.skip(f"this host makes no {name}")
        return load_runtime(checkpoint, found[0], threads=2, cache=folder)

    return load_it


@pytest.fixture(scope="module")
def tokens(checkpoint: Checkpoint) -> list[NDArray[np.int64]]:
    """Real texts of every length up to the limit, an empty one among them."""
    tokenizer = Tokenizer(checkpoint.path / "tokenizer.json", max_length=checkpoint.max_length)
    source = inspect.getdoc(socket) or ""
    return tokenizer.encode(["", "boots", *(source[: 3**power] for power in range(2, 8))])


def alone(runtime: Runtime, tokens: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    return np.concatenate(
        [runtime.run(batch.input_ids, batch.attention_mask) for batch in singles(tokens)]
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_near_the_exact_one_and_normalised(
    load: Load, tokens: list[NDArray[np.int64]], name: str
) -> None:
    found = alone(load(name), tokens)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    cosines = (found * alone(load("onnx-fp32"), tokens)).sum(axis=1)
    assert cosines.mean() >= 0.99
    assert cosines.min() > 0.97


@pytest.mark.parametrize("name", VARIANTS)
def test_padding_changes_no_vector_but_for_rounding(
    load: Load, tokens: list[NDArray[np.int64]], name: str
) -> None:
    runtime = load(name)
    expected = alone(runtime, tokens)
    (batch, *_) = [batch for batch in packed(tokens) if len(batch.rows) > 1]
    assert 0 < batch.attention_mask.mean() < 1
    found = runtime.run(batch.input_ids, batch.attention_mask)
    least = (found * expected[list(batch.rows)]).sum(axis=1).min()
    assert least > (0.999 if name != "onnx-int8" else 0.98)


@pytest.mark.parametrize("name", VARIANTS)
def test_threads_that_run_at_once_get_what_one_would(
    load: Load, tokens: list[NDArray[np.int64]], name: str
) -> None:
    runtime = load(name)
    expected = alone(runtime, tokens)
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(alone, runtime, tokens) for _ in range(4)]
    assert all(np.array_equal(call.result(), expected) for call in calls)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_mean_of_the_token_vectors_is_the_texts_vector(
    load: Load, tokens: list[NDArray[np.int64]], name: str
) -> None:
    runtime = load(name)
    for batch in (*singles(tokens), *packed(tokens)):
        states = runtime.run_tokens(batch.input_ids, batch.attention_mask)
        assert states.dtype == np.float32
        assert states.shape == (*batch.input_ids.shape, 384)
        kept = batch.attention_mask[:, :, None]
        means = (states * kept).sum(axis=1) / kept.sum(axis=1)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        assert np.allclose(means, runtime.run(batch.input_ids, batch.attention_mask), atol=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_token_vectors_are_near_the_exact_ones_and_not_normalised(
    load: Load, tokens: list[NDArray[np.int64]], name: str
) -> None:
    for batch in singles(tokens):
        found = load(name).run_tokens(batch.input_ids, batch.attention_mask)[0]
        exact = load("onnx-fp32").run_tokens(batch.input_ids, batch.attention_mask)[0]
        lengths = np.linalg.norm(exact, axis=1)
        cosines = (found * exact).sum(axis=1) / (lengths * np.linalg.norm(found, axis=1))
        assert cosines.mean() > 0.99
        assert lengths.max() > 2


def test_threads_that_run_at_once_get_the_token_vectors_that_one_would(
    load: Load, tokens: list[NDArray[np.int64]]
) -> None:
    for name in ("onnx-int8", "openvino-int8"):
        runtime = load(name)
        batch = packed(tokens)[-1]
        expected = runtime.run_tokens(batch.input_ids, batch.attention_mask)
        with ThreadPoolExecutor(4) as threads:
            run = partial(runtime.run_tokens, batch.input_ids, batch.attention_mask)
            calls = [threads.submit(run) for _ in range(4)]
            alone(runtime, tokens)
        assert all(np.array_equal(call.result(), expected) for call in calls)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_every_runtime_gives_the_rows_of_a_table_for_any_shape(
    build: Build, tmp_path: Path, runtime: str
) -> None:
    checkpoint = build(max_length=50)
    table = load_file(checkpoint.path / "model.safetensors")["embeddings"]
    variant = replace(checkpoint.variants[0], runtime=runtime)
    for _ in range(2):  # the second time from the cache, where the runtime keeps one
        loaded = load_runtime(checkpoint, variant, threads=1, cache=tmp_path / "cache")
        for shape in ((1, 1), (3, 17), (5, 33), (1, 50)):
            ids = np.random.default_rng(0).integers(0, len(table), shape)
            assert np.array_equal(loaded.run_tokens(ids, np.ones_like(ids)), table[ids])


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_graph_of_an_earlier_version_gives_vectors_and_says_that_it_has_no_others(
    build: Build, tmp_path: Path, runtime: str
) -> None:
    checkpoint = build(tokens=False)
    variant = replace(checkpoint.variants[0], runtime=runtime)
    loaded = load_runtime(checkpoint, variant, threads=1, cache=tmp_path / "cache")
    ids = np.full((2, 3), 7)
    assert loaded.run(ids, np.ones_like(ids)).shape == (2, DIMENSION)
    with pytest.raises(NoVariantError, match=r"fp32\.onnx has no output token_vectors"):
        loaded.run_tokens(ids, np.ones_like(ids))


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("location", ["../../secret.bin", "{root}/secret.bin"])
def test_a_graph_that_reads_files_elsewhere_is_refused(
    tiny: Checkpoint, tmp_path: Path, runtime: str, location: str
) -> None:
    path = tiny.path.parent / "secret.bin"
    path.write_bytes(np.ones((1, DIMENSION), dtype=np.float32).tobytes())
    write_outward_graph(tiny.path / "runtime" / "fp32.onnx", location.format(root=path.parent))
    variant = replace(tiny.variants[0], runtime=runtime)
    with pytest.raises(NoVariantError, match=r"not allowed|outside|escapes"):
        load_runtime(tiny, variant, threads=1, cache=tmp_path / "cache")


def write_outward_graph(path: Path, location: str) -> None:
    """A graph whose only constant lies in another file."""
    constant = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, DIMENSION])
    constant.data_location = TensorProto.EXTERNAL
    entry = constant.external_data.add()
    entry.key, entry.value = "location", location
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["vectors"])],
        "outward",
        [],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, (1, DIMENSION))],
        [constant],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(model.SerializeToString())
