import gzip
from pathlib import Path

import pytest

from molt.index.files import ReadProgress, RowError, SourceError
from molt.index.files.objects import lines
from molt.index.files.objects.lines import read_jsonl
from molt.index.files.row import Row


def _read(path: Path) -> list[Row | RowError]:
    return list(read_jsonl(path, ReadProgress()))


def test_rows_carry_their_line_and_blank_lines_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n  \n\n{"a": 2}')
    assert _read(path) == [Row(1, {"a": 1}), Row(4, {"a": 2})]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"x": "ok", "a": "\xc3"}', "is not UTF-8: byte 0xC3 at 19"),
        (b'{"a": NaN}', "no NaN"),
        (b'{"a": [1, -Infinity]}', "no Infinity"),
        (b'{"a": 1e999}', "is not JSON"),
        (b'{"a": "\\ud800"}', "is not JSON"),
        (b"{oops", "is not JSON"),
        (b'{"a": 1, "a": 2}', "the name a twice"),
        (b'{"a": {"b": [{"c": 1, "c" : 2}]}}', "the name c twice"),
        (b'{"id": 9223372036854775808}', "9223372036854775808 has more than 64 bits"),
        (b'{"a": -123456789012345678901234567890}', "more than 64 bits"),
        (b"[1, 2]", "not an object"),
    ],
)
def test_what_is_no_object_of_one_meaning_is_a_bad_row_and_the_next_one_is_good(
    tmp_path: Path, line: bytes, said: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 0}\n' + line + b'\n{"a": 1}\n')
    _, second, third = _read(path)
    assert isinstance(second, RowError)
    assert said in second.reason
    assert third == Row(3, {"a": 1})


def test_names_and_digits_inside_texts_make_no_row_bad(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "\\"a\\": 12345678901234567890123", "n": 9223372036854775807}\n')
    (row,) = _read(path)
    assert row == Row(1, {"a": '"a": 12345678901234567890123', "n": 2**63 - 1})


def test_a_line_too_long_to_hold_is_one_bad_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * 1000 + b'"}\n{"a": 1}\n' + b"y" * 100 + b"\n")
    first, second, third = _read(path)
    assert isinstance(first, RowError)
    assert "more than 100 bytes" in first.reason
    assert second == Row(2, {"a": 1})
    assert isinstance(third, RowError)


@pytest.mark.parametrize(
    "line", [b'{"a": 1}{"a": 2}', b'{"a": 1}, {"a": 2}', b'{"a": 1} {"a": 2},']
)
def test_objects_that_follow_each_other_on_a_line_are_rows(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line + b"\n" + b'{"a": 3},\n')
    assert _read(path) == [Row(1, {"a": 1}), Row(1, {"a": 2}), Row(2, {"a": 3})]


@pytest.mark.parametrize("line", [b'{"a": 1}{"b"', b'{"a": 1} x', b'{"a": 1}{"b": 1e999}', b","])
def test_a_line_that_holds_more_than_objects_is_one_bad_row(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line + b'\n{"a": 3}\n')
    bad, good = _read(path)
    assert isinstance(bad, RowError)
    assert good == Row(2, {"a": 3})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{'id': '1', 'text': 'a'}", "texts and names stand in double quotation marks"),
        (b'["rain shoes", "Boots"]', 'write {"query": …, "positive": …}'),
    ],
)
def test_what_people_write_for_objects_is_told_how_it_is_meant(
    tmp_path: Path, line: bytes, said: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line + b"\n")
    (bad,) = _read(path)
    assert isinstance(bad, RowError)
    assert said in bad.reason


def test_a_compressed_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(SourceError, match="cut off"):
        _read(path)


def test_a_file_that_is_not_compressed_as_it_says_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b'{"a": 1}\n')
    with pytest.raises(SourceError, match="is not compressed as its name says: name it without"):
        _read(path)


def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 200_000)
    progress = ReadProgress()
    rows = read_jsonl(path, progress)
    next(rows)
    assert 0 < progress.position < path.stat().st_size / 10
    rows.close()  # type: ignore[attr-defined]
