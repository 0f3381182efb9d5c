import gzip
from pathlib import Path

import pytest

from molt.index.files import ReadProgress, RowError, SourceError
from molt.index.files.csv import read_csv
from molt.index.files.row import Row


def _read(path: Path, content: str | bytes) -> list[Row | RowError]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_csv(path, ReadProgress()))


def test_a_column_of_numbers_or_booleans_is_read_as_such(tmp_path: Path) -> None:
    content = "n,f,b,s,code,mixed\n1,1.5,true,x,007,1\n-2,3,FALSE,y,8,a\n,,,,,\n"
    first, second, third = _read(tmp_path / "a.csv", content)
    assert first == Row(2, {"n": 1, "f": 1.5, "b": True, "s": "x", "code": "007", "mixed": "1"})
    assert second == Row(3, {"n": -2, "f": 3.0, "b": False, "s": "y", "code": "8", "mixed": "a"})
    assert third == Row(4, {})


def test_ids_titles_and_texts_stay_strings(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", "id,title,text,doc_id\n1,2,3,4\n")
    assert rows == [Row(2, {"id": "1", "title": "2", "text": "3", "doc_id": "4"})]


def test_a_number_too_large_for_64_bits_stays_a_string(tmp_path: Path) -> None:
    (row,) = _read(tmp_path / "a.csv", f"n,e\n{2**64}x,1e400\n")
    assert isinstance(row, Row)
    assert row.values == {"n": f"{2**64}x", "e": "1e400"}


def test_a_row_with_line_breaks_is_known_by_its_first_line(tmp_path: Path) -> None:
    content = 'id,text\n1,"a\nb"\n\n2\n3,"c ""d"""\n'
    first, second, third = _read(tmp_path / "a.csv", content)
    assert first == Row(2, {"id": "1", "text": "a\nb"})
    assert isinstance(second, RowError)
    assert (second.line, second.reason) == (5, "has 1 cells where the first line names 2")
    assert third == Row(6, {"id": "3", "text": 'c "d"'})


def test_bytes_that_are_not_utf8_make_a_bad_row(tmp_path: Path) -> None:
    first, second = _read(tmp_path / "a.csv", b"id,text\n1,caf\xe9\n2,caf\xc3\xa9\n")
    assert isinstance(first, RowError)
    assert first.reason == "is not UTF-8"
    assert second == Row(3, {"id": "2", "text": "café"})


def test_wrong_quoting_makes_a_bad_row_and_reading_goes_on(tmp_path: Path) -> None:
    first, second = _read(tmp_path / "a.csv", 'id,text\n1,"a"b\n2,fine\n')
    assert isinstance(first, RowError)
    assert first.line == 2
    assert second == Row(3, {"id": "2", "text": "fine"})


def test_a_quote_that_never_closes_is_a_bad_row(tmp_path: Path) -> None:
    *_, last = _read(tmp_path / "a.csv", 'id,text\n1,a\n2,"never\nclosed\n')
    assert isinstance(last, RowError)
    assert last.line == 3


def test_a_long_text_fits_into_a_cell(tmp_path: Path) -> None:
    (row,) = _read(tmp_path / "a.csv", "id,text\n1," + "x" * 500_000 + "\n")
    assert isinstance(row, Row)
    assert len(row.values["text"]) == 500_000


def test_a_compressed_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    content = gzip.compress(b"\xef\xbb\xbfid,text\r\n1,a\r\n")
    assert _read(tmp_path / "a.csv.gz", content) == [Row(2, {"id": "1", "text": "a"})]


@pytest.mark.parametrize("header", ["", "id,,text\n", "id,text,id\n", 'i"d,"text\n'])
def test_a_useless_header_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(SourceError, match=r"first line|empty"):
        _read(tmp_path / "a.csv", header)
