"""The hub: a model by name, fetched into a directory. Takes weights and settings, never code."""

import re
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from molt.training.errors import SourceError

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_WANTED = (
    "config.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*_Pooling/config.json",
    "README.md",
    "LICENSE",
)


def fetch(name: str, target: Path) -> None:
    """Fetch the model `name` (`owner/model`) of the Hugging Face hub into `target`.

    Raises `SourceError` where it cannot be had, saying why and what to do instead.
    """
    if not _NAME.fullmatch(name):
        raise SourceError(f"{name!r} is neither a directory here nor the name of a hub's model")
    if constants.HF_HUB_OFFLINE:
        raise SourceError(
            f"{name!r} is no directory here, and the hub is out of reach (HF_HUB_OFFLINE is set); "
            "give the path of a downloaded model"
        )
    try:
        huggingface_hub.snapshot_download(name, local_dir=target, allow_patterns=list(_WANTED))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise SourceError(
            f"{name!r} is no directory here and cannot be fetched from the hub ({error}); "
            "check the name and the network, or give the path of a downloaded model"
        ) from error
