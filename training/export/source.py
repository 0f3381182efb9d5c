"""A source: the foreign model directory that a checkpoint is made from.

Reads what it says of itself (pooling, prompts, maximum length), after the allow-list has passed
it. Loads no weights; where a hub's models come from is `hub`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molt.encoder import ModelKind, Pooling, Prompts
from molt.encoder.allowlist import check_source_files
from molt.encoder.content import STATIC, check_content, is_cross_encoder, modules, read_object
from molt.training.errors import ModelSourceError

_DEFAULT_MAX_LENGTH = 512
_LONGEST = 1_048_576  # tokens; a static embedding has no positions that could run out
_DIMENSION_KEYS = ("hidden_size", "dim")
# These count positions from the padding id on, so two of their positions take no token.
_OFFSET_POSITIONS = frozenset(("roberta", "xlm-roberta", "mpnet"))
POOLING_FLAGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True)
class ModelSource:
    """A model directory that is safe to load, and what it says of itself."""

    path: Path
    architecture: str
    dimension: int
    pooling: Pooling
    prompts: Prompts
    max_length: int
    kind: ModelKind = ModelKind.BI_ENCODER


def read_source(
    path: Path,
    *,
    pooling: Pooling | None = None,
    prompts: Prompts | None = None,
    max_length: int | None = None,
) -> ModelSource:
    """Check and read a sentence-transformers or Hugging Face encoder directory.

    What is given overrides what the directory says. Raises `UnsafeCheckpointError` where it
    holds what must not be loaded, and `ModelSourceError` where Molt cannot serve such a model.
    """
    check_source_files(path)
    check_content(path)
    config = read_object(path / "config.json")
    if config["model_type"] == STATIC:
        return _static(path, config, pooling=pooling, prompts=prompts, max_length=max_length)
    if is_cross_encoder(path):
        return _pairwise(path, config, given=(pooling, prompts), max_length=max_length)
    settings = _optional(path / "sentence_bert_config.json")
    if settings.get("do_lower_case"):
        raise ModelSourceError(
            f"{path}: sentence-transformers would lower-case the text (do_lower_case); "
            "put that into the tokenizer and switch it off"
        )
    return ModelSource(
        path=path,
        architecture=config["model_type"],
        dimension=_width(config),
        pooling=pooling or _pooling(path),
        prompts=prompts or _prompts(path),
        max_length=_max_length(path, config, max_length or settings.get("max_seq_length")),
    )


def _pairwise(
    path: Path,
    config: Mapping[str, Any],
    *,
    given: tuple[Pooling | None, Prompts | None],
    max_length: int | None,
) -> ModelSource:
    """A cross-encoder, whose head reads the first token, and which knows no prompts."""
    if given != (None, None):
        raise ModelSourceError(
            f"{path}: a cross-encoder scores pairs: leave pooling and prompts out"
        )
    return ModelSource(
        path=path,
        architecture=config["model_type"],
        dimension=_width(config),
        pooling=Pooling.CLS,
        prompts=Prompts(),
        max_length=_max_length(path, config, max_length),
        kind=ModelKind.CROSS_ENCODER,
    )


def _static(
    path: Path,
    config: Mapping[str, Any],
    *,
    pooling: Pooling | None,
    prompts: Prompts | None,
    max_length: int | None,
) -> ModelSource:
    length = max_length or config.get("max_length") or _DEFAULT_MAX_LENGTH
    if pooling not in {None, Pooling.MEAN}:
        raise ModelSourceError(
            f"{path}: a static embedding is the mean of its tokens; leave pooling out"
        )
    if not isinstance(length, int) or not 8 <= length <= _LONGEST:
        raise ModelSourceError(
            f"{path}: maximum length {length!r}; 8 to {_LONGEST} tokens can be read"
        )
    return ModelSource(
        path=path,
        architecture=STATIC,
        dimension=config["hidden_dim"],
        pooling=Pooling.MEAN,
        prompts=prompts or _prompts(path),
        max_length=length,
        kind=ModelKind.STATIC,
    )


def _width(config: Mapping[str, Any]) -> int:
    return int(next(config[key] for key in _DIMENSION_KEYS if key in config))


def _optional(path: Path) -> dict[str, Any]:
    return read_object(path) if path.exists() else {}


def _pooling(path: Path) -> Pooling:
    """What the pooling module says; the mean where there are no modules."""
    if not (path / "modules.json").exists():
        return Pooling.MEAN
    settings = read_object(modules(path)["Pooling"] / "config.json")
    mode = settings.get("pooling_mode")
    if mode is None:
        mode = "+".join(name for flag, name in POOLING_FLAGS.items() if settings.get(flag))
    try:
        return Pooling(mode)
    except ValueError:
        raise ModelSourceError(
            f"{path}: pooling {mode!r}; Molt serves {' and '.join(Pooling)} pooling"
        ) from None


def _prompts(path: Path) -> Prompts:
    """The prompts by their usual names; sentence-transformers itself prescribes none."""
    known: Mapping[str, str] = (
        _optional(path / "config_sentence_transformers.json").get("prompts") or {}
    )
    document = next(
        (known[name] for name in ("document", "passage", "corpus") if name in known), ""
    )
    return Prompts(query=known.get("query", ""), document=document)


def _max_length(path: Path, config: Mapping[str, Any], wanted: int | None) -> int:
    positions = config.get("max_position_embeddings", _DEFAULT_MAX_LENGTH)
    if config["model_type"] in _OFFSET_POSITIONS:
        positions -= 2
    length = min(positions, _DEFAULT_MAX_LENGTH) if wanted is None else wanted
    if not 8 <= length <= positions:
        raise ModelSourceError(
            f"{path}: maximum length {length}; the model has positions for 8 to {positions} tokens"
        )
    return length
