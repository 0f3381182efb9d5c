import gzip
from pathlib import Path

import pytest

from molt.index.files import ReadProgress, RowError, SourceError, jsonl
from molt.index.files.jsonl import read_jsonl
from molt.index.files.row import Row


def _read(path: Path) -> list[Row | RowError]:
    return list(read_jsonl(path, ReadProgress()))


def test_rows_carry_their_line_and_blank_lines_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n  \n\n{"a": 2}')
    assert _read(path) == [Row(1, {"a": 1}), Row(4, {"a": 2})]


@pytest.mark.parametrize(
    "line",
    [b"\xff\xfe", b'{"a": "\xc3"}', b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b"{"],
)
def test_what_is_not_json_is_a_bad_row_and_the_next_one_is_good(
    tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line + b'\n{"a": 1}\n')
    first, second = _read(path)
    assert isinstance(first, RowError)
    assert "not JSON" in first.reason
    assert second == Row(2, {"a": 1})


def test_a_line_too_long_to_hold_is_one_bad_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 100)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * 1000 + b'"}\n{"a": 1}\n' + b"y" * 100 + b"\n")
    first, second, third = _read(path)
    assert isinstance(first, RowError)
    assert "more than 100 bytes" in first.reason
    assert second == Row(2, {"a": 1})
    assert isinstance(third, RowError)


def test_a_compressed_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(SourceError, match="cut off"):
        _read(path)


def test_a_file_that_is_not_compressed_as_it_says_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b'{"a": 1}\n')
    with pytest.raises(SourceError, match="damaged"):
        _read(path)


def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 200_000)
    progress = ReadProgress()
    rows = read_jsonl(path, progress)
    next(rows)
    assert 0 < progress.position < path.stat().st_size / 10
    rows.close()  # type: ignore[attr-defined]
