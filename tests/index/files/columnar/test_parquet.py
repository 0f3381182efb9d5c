from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from molt.index.files import ReadProgress, SourceError, open_source
from molt.index.files.columnar.parquet import read_parquet
from molt.index.files.options import ReadOptions
from molt.index.files.row import Row


def test_values_become_what_json_has(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "at": [datetime(2026, 1, 2, tzinfo=UTC), None],
            "day": [date(2026, 1, 2), None],
            "price": [Decimal("1.50"), None],
            "tags": [["a", "b"], []],
            "deep": [{"x": 1, "y": None}, {"x": 2, "y": [3.5]}],
        },
        schema_overrides={"deep": pl.Struct({"x": pl.Int64, "y": pl.List(pl.Float64)})},
    )
    frame.write_parquet(path)
    assert list(read_parquet(path, ReadProgress())) == [
        Row(
            1,
            {
                "id": 1,
                "at": "2026-01-02T00:00:00+00:00",
                "day": "2026-01-02",
                "price": 1.5,
                "tags": ["a", "b"],
                "deep": {"x": 1, "y": None},
            },
        ),
        Row(2, {"id": 2, "tags": [], "deep": {"x": 2, "y": [3.5]}}),
    ]


def test_many_rows_come_in_order_and_progress_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": range(5000), "text": ["x"] * 5000}).write_parquet(path, row_group_size=700)
    source = open_source(path)
    positions = []
    for number, document in enumerate(source.documents()):
        assert document.id == str(number)
        positions.append(source.progress.position)
    assert positions == sorted(positions)
    assert 0 < positions[100] < positions[-1] <= source.size() == source.progress.position


def test_reading_may_stop_early(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": range(50_000), "text": ["x"] * 50_000}).write_parquet(path)
    rows = read_parquet(path, ReadProgress())
    assert isinstance(next(rows), Row)
    rows.close()  # type: ignore[attr-defined]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": range(100)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SourceError, match="as Parquet"):
        list(read_parquet(path, ReadProgress()))


def test_what_json_does_not_have_is_left_out_and_bytes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame(
        {
            "id": ["a"],
            "nan": [float("nan")],
            "infinite": [float("inf")],
            "whole": [Decimal(12345678901234567890)],
            "scaled": [Decimal("9007199254740993.00")],
            "list": [[1.0, float("nan")]],
            "image": [{"bytes": b"\x00", "path": "x"}],
            "raw": [b"\x00"],
        }
    ).write_parquet(path)
    told: list[str] = []
    (row,) = read_parquet(path, ReadProgress(), ReadOptions(tell=told.append))
    whole = {"whole": 12345678901234567890, "scaled": 2**53 + 1}
    assert row == Row(1, {"id": "a", "list": [1.0, None]} | whole)
    assert told == [f"{path}: columns that hold bytes are left out: image, raw"]


def test_a_name_with_what_others_expand_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a[1]*.parquet"
    pl.DataFrame({"id": [1]}).write_parquet(path)
    assert list(read_parquet(path, ReadProgress())) == [Row(1, {"id": 1})]
