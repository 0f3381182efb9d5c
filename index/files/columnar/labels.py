"""Labels: the words for which Hugging Face's datasets keep numbers (their `ClassLabel`).

They stand in the metadata of a Parquet file, or beside the tables that `save_to_disk` wrote.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from polars.exceptions import PolarsError

_INFO = "dataset_info.json"
_METADATA = "huggingface"
_MOST_BYTES = 16 * 1024 * 1024
Labels = Mapping[str, Sequence[str]]
"""The words of each column of labels, in the order of their numbers."""


def labels_of(path: Path) -> Labels:
    """The labels of a table; none where it is of no such dataset."""
    beside = path.parent / _INFO
    if beside.is_file() and beside.stat().st_size <= _MOST_BYTES:
        return _read(_parsed(beside.read_bytes()))
    if path.suffix.lower() == ".parquet":
        with suppress(PolarsError, OSError):
            said = _parsed(pl.read_parquet_metadata(path).get(_METADATA, "{}"))
            return _read(said.get("info"))
    return {}


def worded(values: Mapping[str, Any], labels: Labels) -> dict[str, Any]:
    """A row with its labels in words; what stands for no label (-1) is left out."""
    if not labels:
        return dict(values)
    return {
        name: _word(value, labels.get(name))
        for name, value in values.items()
        if not (name in labels and value == -1)
    }


def _word(value: Any, names: Sequence[str] | None) -> Any:
    if names is None or not isinstance(value, int) or not 0 <= value < len(names):
        return value
    return names[value]


def _read(info: Any) -> dict[str, list[str]]:
    features = info.get("features") if isinstance(info, dict) else None
    if not isinstance(features, dict):
        return {}
    return {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict)
        and feature.get("_type") == "ClassLabel"
        and _are_words(feature.get("names"))
    }


def _are_words(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _parsed(content: bytes | str) -> dict[str, Any]:
    with suppress(orjson.JSONDecodeError):
        found = orjson.loads(content)
        if isinstance(found, dict):
            return found
    return {}
