import json
from pathlib import Path

import polars as pl
import pytest

from molt.index.files import open_source

INFO = {
    "features": {
        "text": {"dtype": "string", "_type": "Value"},
        "kind": {"names": ["boots", "tents"], "_type": "ClassLabel"},
    }
}


def kinds(path: Path) -> list[object]:
    return [one.metadata.get("kind", "none") for one in open_source(path).documents()]


@pytest.fixture
def frame() -> pl.DataFrame:
    return pl.DataFrame({"text": list("abcd"), "kind": [1, 0, -1, 7]})


def test_labels_of_saved_datasets_are_words(tmp_path: Path, frame: pl.DataFrame) -> None:
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "dataset_info.json").write_text(json.dumps(INFO))
    frame.write_ipc_stream(tmp_path / "data-00000-of-00001.arrow", compression="uncompressed")
    assert kinds(tmp_path) == ["tents", "boots", "none", 7]


def test_labels_of_parquet_are_words_by_its_metadata(tmp_path: Path, frame: pl.DataFrame) -> None:
    said = {"huggingface": json.dumps({"info": INFO})}
    frame.write_parquet(tmp_path / "a.parquet", metadata=said)
    assert kinds(tmp_path / "a.parquet") == ["tents", "boots", "none", 7]


@pytest.mark.parametrize(
    "info",
    ["{", "[]", "{}", '{"features": []}', '{"features": {"kind": {"_type": "ClassLabel"}}}',
     '{"features": {"kind": {"_type": "ClassLabel", "names": [1, 2]}}}'],
)  # fmt: skip
def test_what_names_no_labels_leaves_the_numbers(
    tmp_path: Path, frame: pl.DataFrame, info: str
) -> None:
    (tmp_path / "dataset_info.json").write_text(info)
    frame.write_parquet(tmp_path / "a.parquet", metadata={"huggingface": info})
    assert kinds(tmp_path) == [1, 0, -1, 7]
    (tmp_path / "dataset_info.json").unlink()
    assert kinds(tmp_path / "a.parquet") == [1, 0, -1, 7]
