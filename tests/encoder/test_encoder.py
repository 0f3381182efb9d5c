import gc
import inspect
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

from molt.encoder import (
    Capability,
    Checkpoint,
    ClosedEncoderError,
    Encoder,
    InputType,
    Lane,
    NoVariantError,
    Prompts,
    open_checkpoint,
    open_encoder,
)
from molt.encoder.errors import (
    AbandonedError,
    DefectiveCheckpointError,
    HangingCheckpointError,
    UnsoundVectorsError,
)
from molt.encoder.safety.cancellation import Cancellation
from molt.encoder.safety.deadline import abandonable
from molt.encoder.tokens import TokenIds
from molt.training.export.graph import load_model
from tests.checkpoints import DIMENSION, VOCABULARY, Build, write_graph
from tests.waiting import wait_until

QUERY, DOCUMENT = InputType.QUERY, InputType.DOCUMENT
Open = Callable[[Checkpoint], Encoder]


class Recorder:
    """Stands before a runtime, and notes the shape of what it is given."""

    def __init__(self, encoder: Encoder) -> None:
        self.runtime = encoder._model.runtime
        self.shapes: list[tuple[int, ...]] = []
        encoder._model.runtime = self

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        self.shapes.append(input_ids.shape)
        return self.runtime.run(input_ids, attention_mask)

    def run_tokens(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return self.runtime.run_tokens(input_ids, attention_mask)


class Broken:
    """A runtime that fails on texts of four tokens."""

    def __init__(self, encoder: Encoder) -> None:
        self.runtime = encoder._model.runtime
        encoder._model.runtime = self

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        if (attention_mask.sum(axis=1) == 4).any():
            raise RuntimeError("the graph broke")
        return self.runtime.run(input_ids, attention_mask)

    def run_tokens(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return self.runtime.run_tokens(input_ids, attention_mask)


class Scaled:
    """A runtime whose vectors are multiplied."""

    def __init__(self, encoder: Encoder, by: float) -> None:
        self.runtime = encoder._model.runtime
        self.by = np.float32(by)
        encoder._model.runtime = self

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return self.runtime.run(input_ids, attention_mask) * self.by


class Hanging:
    """A runtime that does not end with texts of four tokens before it is let go."""

    def __init__(self, encoder: Encoder) -> None:
        self.runtime = encoder._model.runtime
        self.begun, self.end = threading.Event(), threading.Event()
        encoder._model.runtime = self

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        if (attention_mask.sum(axis=1) == 4).any():
            self.begun.set()
            assert self.end.wait(20)
        return self.runtime.run(input_ids, attention_mask)


class Narrow:
    """A runtime whose vectors lack a number."""

    def __init__(self, encoder: Encoder) -> None:
        self.runtime = encoder._model.runtime
        encoder._model.runtime = self

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return self.runtime.run(input_ids, attention_mask)[:, 1:]

    def run_tokens(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        return self.runtime.run_tokens(input_ids, attention_mask)[:, 1:]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Encoder] = []

    def open_it(checkpoint: Checkpoint) -> Encoder:
        made.append(open_encoder(checkpoint, cache=tmp_path / "cache", threads=2))
        return made[-1]

    yield open_it
    for encoder in made:
        encoder.close()


@pytest.fixture
def encoder(tiny: Checkpoint, opened: Open) -> Encoder:
    return opened(open_checkpoint(tiny.path))


@pytest.fixture(scope="module")
def real(default_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    checkpoint = open_checkpoint(default_checkpoint)
    with closing(open_encoder(checkpoint, cache=tmp_path_factory.mktemp("cache"))) as made:
        yield made


@pytest.fixture(scope="module")
def reference(default_checkpoint: Path) -> SentenceTransformer:
    return load_model(default_checkpoint)


def docstrings() -> list[str]:
    """Sixty real texts of all lengths."""
    found = [
        inspect.getdoc(member) or ""
        for module in (threading, inspect)
        for name, member in sorted(vars(module).items())
        if getattr(member, "__module__", None) == module.__name__
    ]
    return sorted({text[:1200] for text in found if len(text) > 20})[:60]


def vectors(
    encoder: Encoder, texts: Sequence[str], *, lane: Lane = Lane.INTERACTIVE
) -> NDArray[np.float32]:
    return encoder.encode(texts, input_type=DOCUMENT, lane=lane).vectors


def test_real_texts_have_the_vectors_of_sentence_transformers(
    real: Encoder, reference: SentenceTransformer
) -> None:
    texts = docstrings()
    assert len(texts) == 60
    expected = reference.encode(texts, prompt_name="document", batch_size=8)
    for lane in (Lane.INTERACTIVE, Lane.BACKGROUND):
        cosines = (vectors(real, texts, lane=lane) * expected).sum(axis=1)
        assert cosines.min() >= 0.99


def test_a_real_text_of_a_megabyte_has_the_vector_of_its_beginning(real: Encoder) -> None:
    text = "a real text of great length, " * 40_000
    both = real.encode([text, text[:10_000]], input_type=DOCUMENT, lane=Lane.INTERACTIVE)
    assert np.array_equal(both.vectors[0], both.vectors[1])
    assert both.n_tokens.tolist() == [real.checkpoint.max_length] * 2


def test_real_vectors_do_not_depend_on_what_other_threads_encode(real: Encoder) -> None:
    texts = docstrings()[:16]
    alone = vectors(real, texts)
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(vectors, real, texts[at:]) for at in range(8)]
    for at, call in enumerate(calls):
        assert np.array_equal(call.result(), alone[at:])


@pytest.mark.parametrize("lane", list(Lane))
def test_vectors_are_normalised_float32_in_the_order_of_the_texts(
    encoder: Encoder, lane: Lane
) -> None:
    texts = [letter * (1 + at * 5 % 17) for at, letter in enumerate("abcdefghijklmnopqrst")]
    encoded = encoder.encode(texts, input_type=DOCUMENT, lane=lane)
    assert encoded.vectors.dtype == np.float32
    assert encoded.vectors.shape == (20, DIMENSION) == (20, encoder.dimension)
    assert np.allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-6)
    alone = np.concatenate([vectors(encoder, [text]) for text in texts])
    assert np.allclose(encoded.vectors, alone, atol=1e-6)
    assert len(np.unique(alone.round(4), axis=0)) == 20


@pytest.mark.parametrize("lane", list(Lane))
def test_tokens_are_counted_after_truncation(encoder: Encoder, lane: Lane) -> None:
    encoded = encoder.encode(["", "abc", "a" * 99], input_type=DOCUMENT, lane=lane)
    assert encoded.n_tokens.dtype == np.int32
    assert encoded.truncated.tolist() == [False, False, True]
    assert encoded.n_tokens.tolist() == [2, 5, 16]


@pytest.mark.parametrize("lane", list(Lane))
def test_no_texts_have_no_vectors(encoder: Encoder, lane: Lane) -> None:
    encoded = encoder.encode([], input_type=QUERY, lane=lane)
    assert encoded.vectors.shape == (0, DIMENSION)
    assert encoded.n_tokens.shape == (0,)


@pytest.mark.parametrize("lane", list(Lane))
def test_each_input_type_is_put_behind_its_own_prompt(
    build: Build, opened: Open, lane: Lane
) -> None:
    plain = opened(build())
    prompted = opened(build(prompts=Prompts(query="ask: ", document="doc: ")))
    for input_type, prompt in ((QUERY, "ask: "), (DOCUMENT, "doc: ")):
        found = prompted.encode(["fox"], input_type=input_type, lane=lane)
        meant = plain.encode([f"{prompt}fox"], input_type=input_type, lane=lane)
        assert np.array_equal(found.vectors, meant.vectors)
        assert found.n_tokens.tolist() == [9]


def test_a_query_asked_again_is_not_computed_again(encoder: Encoder) -> None:
    recorder = Recorder(encoder)
    first = encoder.encode(["a", "b", "a"], input_type=QUERY, lane=Lane.QUERY)
    again = encoder.encode(["b", "a", "b"], input_type=QUERY, lane=Lane.QUERY)
    assert len(recorder.shapes) == 2
    assert np.array_equal(first.vectors[[1, 0, 1]], again.vectors)
    assert again.n_tokens.tolist() == [3, 3, 3]


def test_a_query_that_was_prepared_is_not_computed_again(encoder: Encoder) -> None:
    recorder = Recorder(encoder)
    encoder.prepare(["a", "b", "a"])
    assert len(recorder.shapes) == 2
    found = encoder.encode(["b", "a"], input_type=QUERY, lane=Lane.QUERY)
    assert len(recorder.shapes) == 2
    assert np.array_equal(found.vectors[1:], vectors(encoder, ["a"], lane=Lane.INTERACTIVE))


def test_a_caller_who_changes_vectors_does_not_change_the_cache(encoder: Encoder) -> None:
    for _ in range(2):
        encoded = encoder.encode(["fox"], input_type=QUERY, lane=Lane.QUERY)
        assert np.linalg.norm(encoded.vectors) == pytest.approx(1)
        encoded.vectors[:] = 0


def test_the_other_lanes_leave_the_cache_alone(encoder: Encoder) -> None:
    recorder = Recorder(encoder)
    for lane in (Lane.INTERACTIVE, Lane.BACKGROUND, Lane.QUERY):
        encoder.encode(["fox"], input_type=QUERY, lane=lane)
    assert len(recorder.shapes) == 3


def test_only_the_background_computes_texts_together(encoder: Encoder) -> None:
    recorder = Recorder(encoder)
    vectors(encoder, ["a"] * 8, lane=Lane.INTERACTIVE)
    assert recorder.shapes == [(1, 3)] * 8
    vectors(encoder, ["a"] * 8, lane=Lane.BACKGROUND)
    assert recorder.shapes[8:] == [(8, 3)]


def test_many_threads_get_the_vectors_that_one_would(encoder: Encoder) -> None:
    texts = [letter * (1 + at % 13) for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz")]
    expected = vectors(encoder, texts)
    with ThreadPoolExecutor(16) as threads:
        calls = [
            threads.submit(encoder.encode, texts, input_type=DOCUMENT, lane=lane)
            for _ in range(20)
            for lane in Lane
        ]
    for call in calls:
        assert np.allclose(call.result().vectors, expected, atol=1e-6)


def test_texts_of_which_nobody_waits_any_more_are_read_no_further(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancellation, tokenizer = Cancellation(), encoder._model.tokenizer
    scan, read = tokenizer.scan, list[int]()

    def scan_and_leave(texts: Sequence[str]) -> list[TokenIds]:
        read.append(len(texts))
        cancellation.cancel()
        return scan(texts)

    monkeypatch.setattr(tokenizer, "scan", scan_and_leave)
    with pytest.raises(AbandonedError), cancellation.scope():
        encoder.encode(["a text"] * 1000, input_type=DOCUMENT, lane=Lane.INTERACTIVE)
    assert len(read) == 1
    assert read[0] < 1000


def test_a_runtime_that_fails_tells_its_caller_and_goes_on_serving(encoder: Encoder) -> None:
    Broken(encoder)
    for lane in Lane:
        with pytest.raises(DefectiveCheckpointError, match=named_as_broken(encoder)):
            encoder.encode(["a", "ab", "abc"], input_type=QUERY, lane=lane)
    assert vectors(encoder, ["a", "abc"]).shape == (2, DIMENSION)


def named_as_broken(encoder: Encoder) -> str:
    return f"onnx-fp32 of checkpoint {encoder.checkpoint.id} fails at a text of . tokens: the graph"


@pytest.mark.parametrize("lane", Lane)
def test_no_vector_leaves_that_is_not_finite_or_not_of_length_one(
    encoder: Encoder, lane: Lane
) -> None:
    for by, fault in (
        (np.nan, "not finite"),
        (np.inf, "not finite"),
        (1.5, "length 1.5"),
        (0, "0"),
    ):
        spoilt = Scaled(encoder, by)
        with pytest.raises(UnsoundVectorsError, match=f"{encoder.checkpoint.id} makes.*{fault}"):
            encoder.encode(["a"], input_type=QUERY, lane=lane)
        encoder._model.runtime = spoilt.runtime
    assert vectors(encoder, ["a"]).shape == (1, DIMENSION)


@pytest.mark.parametrize("lane", Lane)
def test_a_text_that_does_not_end_is_given_up_and_no_more_is_begun_until_it_does(
    tiny: Checkpoint, tmp_path: Path, lane: Lane
) -> None:
    encoder = open_encoder(tiny, cache=tmp_path / "cache", threads=1, seconds=0.02)
    hanging = Hanging(encoder)
    told: list[Exception] = []

    def ask() -> None:
        with abandonable(told.append), suppress(HangingCheckpointError):
            encoder.encode(["ab"], input_type=QUERY, lane=lane)

    first = threading.Thread(target=ask)
    first.start()
    assert hanging.begun.wait(20)
    behind = ThreadPoolExecutor(1).submit(encoder.embed_documents, ["a", "b", "c"])
    with pytest.raises(HangingCheckpointError, match="has not come to an end"):
        behind.result(20)
    with pytest.raises(HangingCheckpointError, match=f"{encoder.checkpoint.id} hangs at a text"):
        encoder.encode(["c"], input_type=QUERY, lane=Lane.QUERY)
    assert str(encoder.problem).startswith("variant onnx-fp32 of checkpoint")
    hanging.end.set()
    first.join(20)
    wait_until(lambda: encoder.problem is None)
    assert vectors(encoder, ["a"]).shape == (1, DIMENSION)
    assert bool(told) == (lane is not Lane.BACKGROUND), "who waits elsewhere is told otherwise"
    encoder.close()


def test_an_encoder_that_hangs_is_closed_all_the_same(tiny: Checkpoint, tmp_path: Path) -> None:
    encoder = open_encoder(tiny, cache=tmp_path / "cache", threads=1, seconds=0.02)
    hanging = Hanging(encoder)
    with pytest.raises(HangingCheckpointError):
        encoder.embed_documents(["ab"])
    encoder.close()
    hanging.end.set()


@pytest.mark.parametrize("lane", Lane)
def test_a_tokenizer_that_fails_is_named(encoder: Encoder, lane: Lane) -> None:
    class Panic:
        def encode_batch(self, _: object) -> None:
            raise ValueError("no token for that")

        encode_batch_fast = encode_batch

    encoder._model.tokenizer._fast = Panic()
    message = f"{encoder.checkpoint.id}: its tokenizer fails at a text .it raises"
    with pytest.raises(DefectiveCheckpointError, match=message):
        encoder.encode(["a"], input_type=QUERY, lane=lane)
    with pytest.raises(DefectiveCheckpointError, match=message):
        encoder.encode_tokens(["a"], input_type=QUERY, lane=lane)


@pytest.mark.parametrize("lane", Lane)
def test_a_graph_of_another_dimension_than_its_manifest_says_is_named(
    encoder: Encoder, lane: Lane
) -> None:
    Narrow(encoder)
    message = rf"{encoder.checkpoint.id} makes vectors of shape \({DIMENSION - 1},\), not of the"
    with pytest.raises(NoVariantError, match=message):
        encoder.encode(["a", "ab"], input_type=QUERY, lane=lane)


@pytest.mark.parametrize("lane", Lane)
def test_the_tokens_of_a_text_have_ids_vectors_and_places_in_it(
    build: Build, opened: Open, lane: Lane
) -> None:
    checkpoint = build(prompts=Prompts(document="d: "))
    table = load_file(checkpoint.path / "model.safetensors")["embeddings"]
    texts = ["a fox", "", "x" * 99, "b"]
    found = opened(checkpoint).encode_tokens(texts, input_type=DOCUMENT, lane=lane)
    names = [[VOCABULARY[at] for at in tokens.ids] for tokens in found]
    assert names[0] == ["[CLS]", "d", ":", "a", "f", "##o", "##x", "[SEP]"]
    nowhere = [0, 0]
    places = [nowhere, nowhere, nowhere, [0, 1], [2, 3], [3, 4], [4, 5], nowhere]
    assert found[0].offsets.tolist() == places
    assert [len(tokens.ids) for tokens in found] == [8, 4, 16, 5]
    for tokens in found:
        assert tokens.vectors.dtype == np.float32
        assert np.array_equal(tokens.vectors, table[tokens.ids])
        assert tokens.offsets.shape == (len(tokens.ids), 2)


@pytest.mark.parametrize("lane", Lane)
def test_the_mean_of_real_token_vectors_is_the_vector_of_their_text(
    real: Encoder, lane: Lane
) -> None:
    texts = docstrings()[::6]
    expected = real.encode(texts, input_type=QUERY, lane=lane).vectors
    for row, tokens in enumerate(real.encode_tokens(texts, input_type=QUERY, lane=lane)):
        mean = tokens.vectors.mean(axis=0)
        assert np.allclose(mean / np.linalg.norm(mean), expected[row], atol=1e-4)


def test_no_texts_have_no_tokens(encoder: Encoder) -> None:
    assert encoder.encode_tokens([], input_type=QUERY, lane=Lane.QUERY) == []


def test_a_text_that_is_cut_between_its_prompt_and_itself_has_its_tokens(
    build: Build, opened: Open
) -> None:
    encoder = opened(build(prompts=Prompts(query="find")))
    (tokens,) = encoder.encode_tokens(["ing"], input_type=QUERY, lane=Lane.QUERY)
    assert tokens.offsets.tolist() == [[0, 0]] * 5 + [[0, 1], [1, 2], [2, 3], [0, 0]]


def test_a_graph_without_the_token_vectors_that_its_manifest_promises_is_not_opened(
    build: Build, tmp_path: Path
) -> None:
    promising = (Capability.EMBED, Capability.TOKENS)
    made = build(tokens=False, capabilities=promising)
    with pytest.raises(NoVariantError, match="no output token_vectors"):
        open_encoder(made, cache=tmp_path / "cache", threads=1)


def test_token_vectors_of_another_dimension_than_the_manifest_says_are_named(
    encoder: Encoder,
) -> None:
    Narrow(encoder)
    with pytest.raises(NoVariantError, match="makes token vectors of shape"):
        encoder.encode_tokens(["a"], input_type=QUERY, lane=Lane.QUERY)


def test_a_graph_that_knows_fewer_tokens_than_its_tokenizer_is_not_opened(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    graph = tiny.path / tiny.variants[0].graph
    write_graph(graph, np.eye(len(VOCABULARY) - 1, DIMENSION, dtype=np.float32))
    last = rf"fewer tokens than its tokenizer, which goes up to {len(VOCABULARY) - 1} "
    with pytest.raises(NoVariantError, match=last):
        open_encoder(tiny, cache=tmp_path / "cache", threads=1)


def test_a_failed_query_is_not_remembered(encoder: Encoder) -> None:
    broken = Broken(encoder)
    with pytest.raises(DefectiveCheckpointError):
        encoder.encode(["ab"], input_type=QUERY, lane=Lane.QUERY)
    encoder._model.runtime = broken.runtime
    assert encoder.encode(["ab"], input_type=QUERY, lane=Lane.QUERY).n_tokens.tolist() == [4]


def test_an_encoder_that_nobody_holds_ends_with_its_threads(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    encoder = open_encoder(open_checkpoint(tiny.path), cache=tmp_path / "cache", threads=2)
    threads = [thread for thread in encoder._scheduler._threads if thread.is_alive()]
    encoder.encode(["several", "texts"], input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND)
    encoder.encode(["one"], input_type=InputType.QUERY, lane=Lane.QUERY)
    runtime = weakref.ref(encoder._model.runtime)
    del encoder
    gc.collect()
    for thread in threads:
        thread.join(30)
    assert [thread.is_alive() for thread in threads] == [False] * 4, "two, and two that give way"
    assert runtime() is None


def test_a_closed_encoder_says_so(encoder: Encoder) -> None:
    encoder.close()
    for lane in Lane:
        with pytest.raises(ClosedEncoderError, match="open another one"):
            encoder.encode(["fox"], input_type=QUERY, lane=lane)
        with pytest.raises(ClosedEncoderError, match="open another one"):
            encoder.encode_tokens(["fox"], input_type=QUERY, lane=lane)


@pytest.mark.parametrize("lane", list(Lane))
def test_any_string_has_a_vector(encoder: Encoder, lane: Lane) -> None:
    texts = ["", " ", "\ud800", "🦊", "\x00", "a" * 10_000]
    found = encoder.encode(texts, input_type=QUERY, lane=lane).vectors
    assert np.isfinite(found).all()


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_every_runtime_gives_a_graphs_vectors_for_any_shape(
    build: Build, opened: Open, runtime: str
) -> None:
    checkpoint = build(max_length=50)
    expected = opened(checkpoint)
    other = opened(with_runtime(checkpoint, runtime))
    texts = ["a" * length for length in (0, 1, 29, 30, 31, 33, 48, 60)] + ["bc"] * 5
    for lane in (Lane.INTERACTIVE, Lane.BACKGROUND):
        found = vectors(other, texts, lane=lane)
        assert np.allclose(found, vectors(expected, texts), atol=1e-5)
        tokens = other.encode_tokens(texts, input_type=DOCUMENT, lane=lane)
        same = expected.encode_tokens(texts, input_type=DOCUMENT, lane=lane)
        for one, another in zip(tokens, same, strict=True):
            assert np.array_equal(one.vectors, another.vectors)


def with_runtime(checkpoint: Checkpoint, runtime: str) -> Checkpoint:
    variants = tuple(replace(each, runtime=runtime) for each in checkpoint.variants)
    return replace(checkpoint, variants=variants)
