"""Static embeddings: what is staged serves the vectors that every library makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from model2vec import StaticModel
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer

from molt.encoder import (
    Checkpoint,
    CheckpointStore,
    InputType,
    Lane,
    Pooling,
    Prompts,
    UnsafeCheckpointError,
    open_checkpoint,
    open_encoder,
)
from molt.training.errors import ModelSourceError
from molt.training.export.checkpoints import make_checkpoint
from molt.training.export.source import read_source
from molt.training.export.staging import stage
from tests.checkpoints import modules, write_json
from tests.training.models import VOCABULARY, write_tokenizer

PROMPTS = Prompts(query="ask. ", document="")
HOSTILE = [
    "a fox",
    "the quick brown fox jumps over the lazy dog. " * 900,
    "x" * 100_000,
    "(na\u00efve)",
    "\N{FOX FACE}",
    "fox \N{FOX FACE}\N{ZERO WIDTH JOINER}\N{FOX FACE} den",
    "[CLS] [SEP] [PAD] [MASK]",
    "\x00\u200b a",
    "\u641c\u7d22",
    "a\u0301" * 50,
    "end" + " " * 50_000 + "end",
]
EMPTY = ["", " \n\t", "\u200b"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_source(tmp_path / "static")


def write_source(folder: Path, *, tokens: int = len(VOCABULARY)) -> Path:
    """A static embedding whose tokenizer would add special tokens, if it were asked to."""
    folder.mkdir()
    table = np.random.default_rng(0).standard_normal((tokens, 12)).astype("f4")
    save_file({"embeddings": table}, folder / "model.safetensors")
    write_json(folder / "config.json", {"model_type": "model2vec", "hidden_dim": 12})
    write_json(folder / "modules.json", modules("StaticEmbedding", "Normalize"))
    write_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tmp_path_factory.mktemp("static")
    return make(write_source(folder / "source"), CheckpointStore(folder / "checkpoints"))


@pytest.fixture(scope="module")
def loaded(checkpoint: Checkpoint) -> SentenceTransformer:
    return SentenceTransformer(str(checkpoint.path), device="cpu", local_files_only=True)


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


def make(source: Path, store: CheckpointStore) -> Checkpoint:
    return make_checkpoint(source, store=store, prompts=PROMPTS, max_length=24)


def encoded(checkpoint: Checkpoint, texts: list[str], lane: Lane, cache: Path) -> np.ndarray:
    encoder = open_encoder(checkpoint, cache=cache, threads=1)
    try:
        return encoder.encode(texts, input_type=InputType.DOCUMENT, lane=lane).vectors
    finally:
        encoder.close()


@pytest.mark.parametrize("lane", list(Lane))
def test_every_text_has_the_vector_that_sentence_transformers_gives_it(
    checkpoint: Checkpoint, loaded: SentenceTransformer, tmp_path: Path, lane: Lane
) -> None:
    expected = loaded.encode(HOSTILE + EMPTY, prompt_name="document")
    found = encoded(checkpoint, HOSTILE + EMPTY, lane, tmp_path)
    cosines = np.einsum("ij,ij->i", found, expected)[: len(HOSTILE)]
    assert cosines.min() > 0.999999
    assert np.allclose(np.linalg.norm(found[: len(HOSTILE)], axis=1), 1, atol=1e-6)


def test_a_text_without_tokens_has_the_vector_that_is_like_no_other(
    checkpoint: Checkpoint, loaded: SentenceTransformer, tmp_path: Path
) -> None:
    for lane in Lane:
        assert not encoded(checkpoint, EMPTY, lane, tmp_path).any()
    assert not loaded.encode(EMPTY, prompt_name="document").any()


def test_prompts_go_before_a_text_in_both(
    checkpoint: Checkpoint, loaded: SentenceTransformer, tmp_path: Path
) -> None:
    encoder = open_encoder(checkpoint, cache=tmp_path, threads=1)
    found = encoder.encode(HOSTILE, input_type=InputType.QUERY, lane=Lane.QUERY)
    encoder.close()
    assert np.allclose(found.vectors, loaded.encode(HOSTILE, prompt_name="query"), atol=1e-5)
    assert found.n_tokens.max() == 24


def test_a_static_checkpoint_is_whole_and_model2vec_loads_it_too(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    assert open_checkpoint(checkpoint.path) == checkpoint
    assert (checkpoint.dimension, checkpoint.pooling) == (12, Pooling.MEAN)
    assert (checkpoint.kind, checkpoint.capabilities) == ("static", ("embed", "tokens"))
    assert [variant.name for variant in checkpoint.variants] == ["onnx-fp32"]
    known = ["a fox", "the lazy dog"]
    expected = StaticModel.from_pretrained(checkpoint.path).encode(known)
    assert np.allclose(encoded(checkpoint, known, Lane.BACKGROUND, tmp_path), expected, atol=1e-5)


def test_a_large_table_is_served_in_int8_alone(store: CheckpointStore, tmp_path: Path) -> None:
    large = make(write_source(tmp_path / "large", tokens=1200), store)
    assert [variant.name for variant in large.variants] == ["onnx-int8"]
    assert [path.name for path in (large.path / "runtime").iterdir()] == ["int8.onnx"]
    loaded = SentenceTransformer(str(large.path), device="cpu", local_files_only=True)
    expected = loaded.encode(HOSTILE, prompt_name="document")
    found = encoded(large, HOSTILE, Lane.BACKGROUND, tmp_path)
    assert np.einsum("ij,ij->i", found, expected).min() > 0.9995


def test_the_token_vectors_are_the_rows_of_the_table_and_their_mean_is_the_vector(
    store: CheckpointStore, tmp_path: Path
) -> None:
    for tokens in (len(VOCABULARY), 1200):  # the large one is served in int8
        made = make(write_source(tmp_path / f"table-{tokens}", tokens=tokens), store)
        table = load_file(made.path / "model.safetensors")["embeddings"]
        encoder = open_encoder(made, cache=tmp_path, threads=1)
        asked = {"input_type": InputType.DOCUMENT, "lane": Lane.BACKGROUND}
        vectors = encoder.encode(HOSTILE + EMPTY, **asked).vectors
        found = encoder.encode_tokens(HOSTILE + EMPTY, **asked)
        encoder.close()
        for row, each in enumerate(found):
            assert np.allclose(each.vectors, table[each.ids], atol=0.02)
            mean = each.vectors.sum(axis=0)
            assert np.allclose(mean / max(np.linalg.norm(mean), 1e-9), vectors[row], atol=1e-4)
        assert all(each.vectors.shape == (0, 12) for each in found[len(HOSTILE) :])


def test_what_is_staged_depends_on_its_source_alone(checkpoint: Checkpoint, tmp_path: Path) -> None:
    source = read_source(checkpoint.path)
    assert (source.max_length, source.prompts) == (checkpoint.max_length, PROMPTS)
    stage(source, tmp_path)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "modules.json"):
        assert (tmp_path / name).read_bytes() == (checkpoint.path / name).read_bytes()


def test_a_tokenizer_that_knows_more_tokens_than_the_table_is_refused(
    source: Path, store: CheckpointStore
) -> None:
    save_file({"embeddings": np.zeros((9, 12), "f4")}, source / "model.safetensors")
    with pytest.raises(ModelSourceError, match="the table 9"):
        make(source, store)
    (source / "tokenizer.json").unlink()
    with pytest.raises(ModelSourceError, match=r"needs its tokenizer\.json"):
        make(source, store)
    assert list(store.root.iterdir()) == []


def test_what_makes_no_sense_for_a_static_embedding_is_refused(
    source: Path, store: CheckpointStore
) -> None:
    with pytest.raises(ModelSourceError, match="leave pooling out"):
        make_checkpoint(source, store=store, pooling=Pooling.CLS)
    with pytest.raises(ModelSourceError, match="maximum length 7"):
        make_checkpoint(source, store=store, max_length=7)
    config = json.loads((source / "config.json").read_text())
    write_json(source / "config.json", config | {"max_length": "long"})
    with pytest.raises(ModelSourceError, match="maximum length 'long'"):
        make_checkpoint(source, store=store)


def test_a_table_that_could_grow_is_refused_before_it_is_loaded(
    source: Path, store: CheckpointStore
) -> None:
    tensors = {"embeddings": np.zeros((len(VOCABULARY), 12), "f4"), "mapping": np.zeros(9, "i8")}
    save_file(tensors, source / "model.safetensors")
    with pytest.raises(UnsafeCheckpointError, match="not one table"):
        make(source, store)
    assert list(store.root.iterdir()) == []
