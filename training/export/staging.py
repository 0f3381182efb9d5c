"""Staging: the part of a checkpoint that plain sentence-transformers loads.

Weights, configuration and tokenizer are copied byte for byte, so that the checkpoint's id does
not depend on the versions of libraries; everything else is written anew and says little.
"""

import json
from pathlib import Path
from shutil import copyfile
from typing import Any

from molt.encoder import ModelKind
from molt.encoder.content import STATIC, read_object
from molt.encoder.weights import Tensors
from molt.training.errors import ModelSourceError
from molt.training.export.source import POOLING_FLAGS, ModelSource
from molt.training.export.static import read_vector_table, write_table

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_KEPT_KINDS = frozenset(("F32", "I64"))
_MODULES = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")


def stage(source: ModelSource, target: Path) -> None:
    """Write the model of `source` into `target`, in float32 and as sentence-transformers has it.

    Raises `ModelSourceError` where no fast tokenizer can be made.
    """
    if source.architecture == STATIC:
        write_table(read_vector_table(source.path), target, max_length=source.max_length)
    else:
        _stage_transformer(source, target)
    if (source.path / "LICENSE").exists():
        copyfile(source.path / "LICENSE", target / "LICENSE")
    if source.kind is ModelKind.CROSS_ENCODER:
        return
    _write_json(
        target / "config_sentence_transformers.json",
        {
            "prompts": {"query": source.prompts.query, "document": source.prompts.document},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    )


def _stage_transformer(source: ModelSource, target: Path) -> None:
    _copy_weights(source, target)
    _copy_tokenizer(source, target)
    if source.kind is ModelKind.CROSS_ENCODER:
        return  # what has a head of its own needs no modules
    _write_json(target / "modules.json", _modules())
    _write_json(
        target / "sentence_bert_config.json",
        {"max_seq_length": source.max_length, "do_lower_case": False},
    )
    (target / "1_Pooling").mkdir()
    _write_json(target / "1_Pooling" / "config.json", _pooling(source))


def _copy_weights(source: ModelSource, target: Path) -> None:
    if Tensors(source.path / "model.safetensors").kinds <= _KEPT_KINDS:
        copyfile(source.path / "config.json", target / "config.json")
        copyfile(source.path / "model.safetensors", target / "model.safetensors")
        return
    _widen_weights(source.path / "model.safetensors", target / "model.safetensors")
    config = read_object(source.path / "config.json")
    config.pop("torch_dtype", None)
    _write_json(target / "config.json", config | {"dtype": "float32"})


def _widen_weights(weights: Path, target: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - loads torch

    full = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(weights).items()
    }
    save_file(full, target, metadata={"format": "pt"})


def _copy_tokenizer(source: ModelSource, target: Path) -> None:
    if not (source.path / "tokenizer.json").exists():
        _make_tokenizer(source, target)
    for name in _TOKENIZER_FILES:
        if (source.path / name).exists():
            copyfile(source.path / name, target / name)


def _make_tokenizer(source: ModelSource, target: Path) -> None:
    from transformers import AutoTokenizer  # noqa: PLC0415 - loads torch

    tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise ModelSourceError(f"{source.path}: no tokenizer.json, and none can be made from it")
    tokenizer.save_pretrained(target)


def _modules() -> list[dict[str, Any]]:
    """In the spelling that every version of sentence-transformers reads."""
    return [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (kind, path) in enumerate(_MODULES)
    ]


def _pooling(source: ModelSource) -> dict[str, Any]:
    flags = {flag: name == source.pooling for flag, name in POOLING_FLAGS.items()}
    return {"word_embedding_dimension": source.dimension} | flags


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
