import io
import json
from pathlib import Path

import polars as pl
import pytest

from molt.index.files import ReadProgress, SourceError, open_source
from molt.index.files.columnar.arrow import read_arrow
from molt.index.files.row import Row


def _stream(frames: list[pl.DataFrame]) -> bytes:
    """One stream of several batches, as a writer that flushes now and then makes it."""
    content = b""
    for frame in frames:
        file = io.BytesIO()
        frame.write_ipc_stream(file, compression="uncompressed")
        one = file.getvalue()
        schema = 8 + int.from_bytes(one[4:8], "little")
        content = content[:-8] + (one[schema:] if content else one)
    return content


@pytest.fixture
def frames() -> list[pl.DataFrame]:
    return [pl.DataFrame({"id": [n, n + 1], "text": [f"a{n}", None]}) for n in (0, 2, 4)]


def test_a_stream_of_batches_is_read_row_by_row(tmp_path: Path, frames: list[pl.DataFrame]) -> None:
    path = tmp_path / "data-00000-of-00001.arrow"
    path.write_bytes(_stream(frames))
    rows = list(read_arrow(path, ReadProgress()))
    assert rows[0] == Row(1, {"id": 0, "text": "a0"})
    assert rows[5] == Row(6, {"id": 5})
    assert len(rows) == 6


def test_a_stream_with_categories_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    frame = pl.DataFrame({"kind": pl.Series(["x", "y", "x"], dtype=pl.Categorical)})
    frame.write_ipc_stream(path)
    assert [row.values["kind"] for row in read_arrow(path, ReadProgress()) if isinstance(row, Row)
            ] == ["x", "y", "x"]  # fmt: skip


@pytest.mark.parametrize("cut", [0, 4, 9, 100, -20])
def test_a_damaged_stream_is_named(tmp_path: Path, frames: list[pl.DataFrame], cut: int) -> None:
    path = tmp_path / "a.arrow"
    path.write_bytes(_stream(frames)[:cut])
    with pytest.raises(SourceError, match=r"Arrow|cut off"):
        list(read_arrow(path, ReadProgress()))


@pytest.mark.parametrize(
    "content", [b"id,text\n1,a\n", b"\xff\xff\xff\xff\x00\x01\x00\x00" + b"\xff" * 300]
)
def test_what_is_no_arrow_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.arrow"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="Arrow"):
        list(read_arrow(path, ReadProgress()))


def test_a_dataset_that_was_saved_to_disk_is_read_split_by_split(
    tmp_path: Path, frames: list[pl.DataFrame]
) -> None:
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    for split, frame in zip(("train", "test"), frames, strict=False):
        folder = tmp_path / split
        folder.mkdir()
        (folder / "state.json").write_text("{}")
        (folder / "cache-1f.arrow").write_bytes(b"no arrow")
        (folder / "data-00000-of-00001.arrow").write_bytes(_stream([frame.head(1)]))
    assert [one.id for one in open_source(tmp_path).documents()] == ["2", "0"]


def test_a_tree_of_parquet_is_read(tmp_path: Path, frames: list[pl.DataFrame]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text("x")
    for number, frame in enumerate(frames):
        frame.head(1).write_parquet(tmp_path / "data" / f"train-{number}.parquet")
    assert [one.id for one in open_source(tmp_path).documents()] == ["0", "2", "4"]
