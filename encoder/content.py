"""The content of a model directory: what its JSON files may say before anything loads them.

Serves both a finished checkpoint and a foreign directory that one is made from. Never imports
what the files name.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import orjson

from molt.encoder.errors import UnsafeCheckpointError
from molt.encoder.weights import check_table, check_weights

ARCHITECTURES = frozenset(("bert", "roberta", "xlm-roberta", "mpnet", "distilbert", "modernbert"))
STATIC = "model2vec"
"""What `config.json` calls a static embedding, which takes the mean of a table's token vectors."""

# Both spellings that sentence-transformers has used for each module.
MODULE_TYPES = {
    "sentence_transformers.models.Transformer": "Transformer",
    "sentence_transformers.base.modules.transformer.Transformer": "Transformer",
    "sentence_transformers.models.Pooling": "Pooling",
    "sentence_transformers.sentence_transformer.modules.pooling.Pooling": "Pooling",
    "sentence_transformers.models.Normalize": "Normalize",
    "sentence_transformers.base.modules.normalize.Normalize": "Normalize",
    "sentence_transformers.sentence_transformer.modules.normalize.Normalize": "Normalize",
    "sentence_transformers.models.StaticEmbedding": "StaticEmbedding",
    "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding": (
        "StaticEmbedding"
    ),
}
_CROSS_ENCODER = ["Transformer"]
_HEAD = "ForSequenceClassification"
_STACKS = (
    ["Transformer", "Pooling"],
    ["Transformer", "Pooling", "Normalize"],
    ["StaticEmbedding"],
    ["StaticEmbedding", "Normalize"],
)
_CODE_KEYS = frozenset(("auto_map", "custom_pipelines", "trust_remote_code"))
_BOUNDS = {
    "hidden_size": 16_384,
    "dim": 16_384,
    "vocab_size": 4_000_000,
    "num_hidden_layers": 256,
    "n_layers": 256,
    "intermediate_size": 131_072,
    "hidden_dim": 131_072,
    "max_position_embeddings": 1_048_576,
}
_DEEPEST = 32
_MODULE_PATH = re.compile(r"([0-9A-Za-z_]{1,64})?")


def check_content(root: Path) -> None:
    """Raise `UnsafeCheckpointError` unless every file says only what Molt can trust.

    Refused are custom code, an architecture or a module outside the allow-list, sizes no
    encoder has, and safetensors whose header does not describe the file.
    """
    for path in sorted(root.glob("*.json")):
        if path.name != "tokenizer.json":
            _refuse_code(path)
    static = is_static(root)
    config = _checked_config(root / "config.json", known={STATIC} if static else ARCHITECTURES)
    check_weights(root / "model.safetensors")
    if static:
        check_table(root / "model.safetensors", width=config.get("hidden_dim"))


def check_settings(root: Path, *, max_length: int) -> None:
    """Raise `UnsafeCheckpointError` where what loads the transformer is told more than a length.

    For a finished checkpoint: a key such as the path of another tokenizer would lead out of it.
    """
    path = root / "sentence_bert_config.json"
    said = {"max_seq_length": max_length, "do_lower_case": False}
    if path.exists() and read_object(path) != said:
        raise UnsafeCheckpointError(path, f"says something other than {said}")


def modules(root: Path) -> dict[str, Path]:
    """The modules that `modules.json` names, by kind: where the settings of each lie.

    Raises `UnsafeCheckpointError` unless they are a transformer and a pooling, or a static
    embedding, and perhaps a normalisation, or a transformer alone, in this order, inside `root`.
    """
    path = root / "modules.json"
    entries = read_json(path)
    if not isinstance(entries, list):
        raise UnsafeCheckpointError(path, "is not a list of modules")
    found = {_kind(path, entry): root / str(entry["path"]) for entry in entries}
    alone = list(found) == _CROSS_ENCODER and _has_one_logit(root)
    if list(found) not in _STACKS and not alone:
        raise UnsafeCheckpointError(
            path,
            f"modules {list(found)}: Molt takes Transformer and Pooling, or StaticEmbedding, and "
            "perhaps Normalize, and Transformer alone of a cross-encoder",
        )
    return found


def is_static(root: Path) -> bool:
    """Whether the model is a static embedding, which has no transformer; raises as `modules` does.

    What was checked of its files holds for the directory itself, so it must lie there.
    """
    found = modules(root) if (root / "modules.json").exists() else {}
    if found.get("StaticEmbedding", root) != root:
        raise UnsafeCheckpointError(root / "modules.json", "keeps a static embedding in a folder")
    return "StaticEmbedding" in found


def is_cross_encoder(root: Path) -> bool:
    """Whether the model gives one score of two texts: a transformer with a head of one logit.

    Raises as `read_object` and `modules` do.
    """
    if (root / "modules.json").exists() and list(modules(root)) != _CROSS_ENCODER:
        return False
    return _has_one_logit(root)


def model_type(root: Path) -> str | None:
    """What `config.json` calls the model; None where that cannot be told."""
    try:
        named = read_object(root / "config.json").get("model_type")
    except (OSError, UnsafeCheckpointError):
        return None
    return named if isinstance(named, str) else None


def read_json(path: Path) -> Any:
    """What a JSON file says. Raises `UnsafeCheckpointError` where it is missing or not JSON."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise UnsafeCheckpointError(path, "the file is missing") from None
    except orjson.JSONDecodeError as error:
        raise UnsafeCheckpointError(path, f"is not JSON ({error})") from None


def read_object(path: Path) -> dict[str, Any]:
    """What a JSON file says, where that is an object; raises as `read_json` does."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise UnsafeCheckpointError(path, "is not a JSON object")
    return value


def is_deep(value: object) -> bool:
    """Whether a JSON value nests deeper than anything that describes a model does."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
    return bool(level)


def _has_one_logit(root: Path) -> bool:
    config = read_object(root / "config.json")
    named = config.get("architectures")
    heads = [str(name) for name in named] if isinstance(named, list) else []
    return any(name.endswith(_HEAD) for name in heads) and _labels(config) == 1


def _labels(config: Mapping[str, Any]) -> int:
    """How many logits the head has; transformers takes two where nothing is said."""
    labels = config.get("id2label")
    return len(labels) if isinstance(labels, dict) else int(config.get("num_labels", 2))


def _inner(value: object) -> Collection[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _kind(path: Path, entry: object) -> str:
    if not isinstance(entry, dict):
        raise UnsafeCheckpointError(path, f"{entry!r} is not a module")
    kind = MODULE_TYPES.get(str(entry.get("type")))
    if kind is None:
        raise UnsafeCheckpointError(
            path, f"module type {entry.get('type')!r} is not on the allow-list; it was not imported"
        )
    folder = entry.get("path")
    if not isinstance(folder, str) or not _MODULE_PATH.fullmatch(folder):
        raise UnsafeCheckpointError(path, f"module path {folder!r} is not a plain folder name")
    return kind


def _checked_config(path: Path, *, known: Collection[str]) -> dict[str, Any]:
    config = read_object(path)
    if str(config.get("model_type")) not in known:
        raise UnsafeCheckpointError(
            path,
            f"model_type {config.get('model_type')!r} is not on the allow-list "
            f"({', '.join(sorted(known))})",
        )
    for key, bound in _BOUNDS.items():
        value = config.get(key, 1)
        if not isinstance(value, int) or not 0 < value <= bound:
            raise UnsafeCheckpointError(path, f"{key} is {value!r}; Molt takes 1 to {bound}")
    return config


def _refuse_code(path: Path) -> None:
    pending: list[object] = [read_json(path)]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            found = sorted(key for key in _CODE_KEYS & value.keys() if value[key])
            if found:
                raise UnsafeCheckpointError(
                    path, f"asks for custom code ({found[0]}), which Molt never runs"
                )
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
