import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from molt.index.files import ReadProgress, RowError, SourceError
from molt.index.files.compression import PACKINGS
from molt.index.files.options import Quoting, ReadOptions
from molt.index.files.row import Row
from molt.index.files.tabular import delimited
from molt.index.files.tabular.delimited import read_csv

GUESSED = ReadOptions()


def _read(path: Path, content: str | bytes, options: ReadOptions = GUESSED) -> list[Row | RowError]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_csv(path, ReadProgress(), options))


def _values(rows: list[Row | RowError]) -> list[dict[str, object]]:
    return [dict(row.values) for row in rows if isinstance(row, Row)]


def _bad(rows: list[Row | RowError]) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in rows if isinstance(row, RowError)]


def test_a_column_of_numbers_or_booleans_is_read_as_such(tmp_path: Path) -> None:
    content = "n,f,b,s,code,mixed\n1,1.5,true,x,007,1\n-2,3,FALSE,y,8,a\n,,,,,\n"
    first, second = _read(tmp_path / "a.csv", content)
    assert first == Row(2, {"n": 1, "f": 1.5, "b": True, "s": "x", "code": "007", "mixed": "1"})
    assert second == Row(3, {"n": -2, "f": 3.0, "b": False, "s": "y", "code": "8", "mixed": "a"})


def test_ids_titles_and_texts_stay_strings(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", "id,title,text,doc_id\n1,2,3,4\n")
    assert rows == [Row(2, {"id": "1", "title": "2", "text": "3", "doc_id": "4"})]


def test_whole_numbers_are_exact_and_stay_text_beyond_64_bits(tmp_path: Path) -> None:
    content = f"id,n,e,x\n{2**70},{2**63 - 1},1e400,{2**63}\n{2**70 + 1},5,1e400,5\n"
    told: list[str] = []
    (row, _) = _values(_read(tmp_path / "a.csv", content, ReadOptions(tell=told.append)))
    assert row == {"id": str(2**70), "n": 2**63 - 1, "e": "1e400", "x": str(2**63)}
    assert any("x: kept as text" in each and "64 bits" in each for each in told)


def test_a_whole_number_among_fractions_is_not_rounded(tmp_path: Path) -> None:
    rows = _values(_read(tmp_path / "a.csv", f"n\n0.5\n{2**53 + 1}\n7\n"))
    assert [row["n"] for row in rows] == [0.5, 2**53 + 1, 7.0]


def test_a_row_with_line_breaks_is_known_by_its_first_line(tmp_path: Path) -> None:
    content = 'id,text\n1,"a\nb"\n\n2\n3,"c ""d"""\n'
    first, second, third = _read(tmp_path / "a.csv", content)
    assert first == Row(2, {"id": "1", "text": "a\nb"})
    assert isinstance(second, RowError)
    assert (second.line, second.reason) == (5, "has 1 cell where the first line names 2")
    assert third == Row(6, {"id": "3", "text": 'c "d"'})


def test_a_row_that_is_not_utf8_is_named_with_its_column_and_byte(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", b"id,text\n1,fine\n2,caf\xe9\n3,caf\xc3\xa9\n")
    ((line, reason),) = _bad(rows)
    assert line == 3
    assert reason.startswith("is not UTF-8: text has the byte 0xE9 at 4; pass --encoding")
    assert [row["id"] for row in _values(rows)] == ["1", "3"]


UNCLOSED = [
    ('id,text\n1,"a"b\n2,fine\n', {2: "after the quotation mark"}, "2"),
    ('id,text\n1,fine\n2,"never closed\n3,kept\n4,too\n', {3: "never ends"}, "134"),
    ('id,text\na,"open\nb,second\nc,third\nd,closes"\ne,last\n', {2: "run on to line 5"}, "bcde"),
    ('id,text\n7,"open\n8,"second"\n9,third\n', {2: "after the quotation mark"}, "89"),
    ('n,id,text\n7,d1,"open\n8,d2,second\n9,d13,x"\n', {2: "run on to line 4"}, "d2d13"),
    ('id,a,text\nx9,1,"open\nfoo,2,b\nbar,3,c\nbazz,4,d"\n', {2: "run on"}, "foobarbazz"),
    ('id,a,text\n1,x,"open\n2,y,b\n3,z,c,"d\n', {2: "after", 4: "never ends"}, "2"),
]


@pytest.mark.parametrize(("content", "bad", "good"), UNCLOSED)
def test_a_bad_quotation_mark_costs_the_row_where_it_stands_and_no_other(
    tmp_path: Path, content: str, bad: dict[int, str], good: str
) -> None:
    rows = _read(tmp_path / "a.csv", content)
    assert "".join(str(row["id"]) for row in _values(rows)) == good
    found = dict(_bad(rows))
    assert found.keys() == bad.keys()
    assert all(said in found[line] for line, said in bad.items())


@pytest.mark.parametrize(
    "cell", ["Hello, world\nhow are, you", "one\ntwo\nthree", "a, b\n\nc, d", "x\n1;2\n3"]
)
def test_a_text_of_several_lines_is_one_cell(tmp_path: Path, cell: str) -> None:
    rows = _read(tmp_path / "a.csv", f'id,text\n1,"{cell}"\n2,plain\n')
    assert _values(rows) == [{"id": "1", "text": cell}, {"id": "2", "text": "plain"}]


def test_standard_quoting_believes_a_cell_that_spans_what_looks_like_rows(tmp_path: Path) -> None:
    content = 'id,text\n1,"a\n2,b\n3,c"\n'
    rows = _read(tmp_path / "a.csv", content, ReadOptions(quoting=Quoting.STANDARD))
    assert _values(rows) == [{"id": "1", "text": "a\n2,b\n3,c"}]


def test_many_quotes_that_never_close_are_found_without_reading_all_again_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.index.files.tabular.records._MOST_WASTED", 1000)
    monkeypatch.setattr("molt.index.files.tabular.records._SHORT_SPAN", 50)
    rows = _read(tmp_path / "a.csv", "id,text\n" + '1,"""x\n' * 300 + "2,good\n")
    assert len(_bad(rows)) == 300
    assert _values(rows) == [{"id": "2", "text": "good"}]


def test_tsv_has_no_quoting_and_tells_where_cells_look_quoted(tmp_path: Path) -> None:
    content = 'id\ttext\na\t"open\nb\tthe 5" pipe\nc\t"whole"\n'
    told: list[str] = []
    rows = _read(tmp_path / "a.tsv", content, ReadOptions(tell=told.append))
    assert [row["text"] for row in _values(rows)] == ['"open', 'the 5" pipe', '"whole"']
    assert [each for each in told if "were kept: 1." in each]
    standard = ReadOptions(quoting=Quoting.STANDARD)
    assert _values(_read(tmp_path / "b.tsv", 'id\ttext\na\t"x\ty"\n', standard)) == [
        {"id": "a", "text": "x\ty"}
    ]


def test_tabs_under_another_name_are_quoted_as_csv_is(tmp_path: Path) -> None:
    assert _values(_read(tmp_path / "a.csv", 'id\ttext\n1\t"a\tb"\n')) == [
        {"id": "1", "text": "a\tb"}
    ]


def test_a_long_text_fits_into_a_cell(tmp_path: Path) -> None:
    (row,) = _read(tmp_path / "a.csv", "id,text\n1," + "x" * 500_000 + "\n")
    assert isinstance(row, Row)
    assert len(row.values["text"]) == 500_000


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.csv.gz", gzip.compress),
        ("a.CSV.GZ", gzip.compress),
        ("a.csv.zst", zstd.compress),
        ("a.csv.bz2", bz2.compress),
        ("a.csv.xz", lzma.compress),
        ("a.csv", gzip.compress),
    ],
)
def test_a_compressed_file_with_a_byte_order_mark_is_read(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    content = pack(b"\xef\xbb\xbfid,text\r\n1,a\r\n")
    assert _read(tmp_path / name, content) == [Row(2, {"id": "1", "text": "a"})]


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "a.csv.bz2", "a.csv.xz"])
def test_a_damaged_compressed_file_is_named(tmp_path: Path, name: str) -> None:
    begun = PACKINGS[Path(name).suffix].magic
    with pytest.raises(SourceError, match="damaged or cut off"):
        _read(tmp_path / name, begun + b"id,text\n1,a\n" * 40)
    with pytest.raises(SourceError, match="is not compressed as its name says"):
        _read(tmp_path / name, b"id,text\n1,a\n" * 40)


def test_the_line_for_excel_may_be_quoted(tmp_path: Path) -> None:
    content = '\ufeff"sep=;"\r\nid;text\r\n1;a,b\r\n'.encode()
    assert _read(tmp_path / "a.csv", content) == [Row(3, {"id": "1", "text": "a,b"})]


def test_a_row_with_another_delimiter_than_the_header_says_so(tmp_path: Path) -> None:
    (bad,) = _read(tmp_path / "a.csv", b"id,title,text\n1;Tent;for two\n")
    assert isinstance(bad, RowError)
    assert "has 1 cell where the first line names 3; it is separated by semicolons" in bad.reason


def test_an_index_that_pandas_read_without_a_name_is_told_and_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "a.csv"
    path.write_text("Unnamed: 0,id,text\n0,1,a\n")
    rows = list(read_csv(path, ReadProgress(), ReadOptions(tell=told.append)))
    assert rows == [Row(2, {"id": "1", "text": "a"})]
    assert any("column 1 has no name and is left out" in said for said in told)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("id,text,id\n", "names two columns id .columns 1 and 3."),
        ('i"d,"text\n', "its first line: .* never ends"),
        (",,\n1,2,3\n", "first line is empty"),
        ("PAR1\x15\x04", "is Parquet"),
        ("PK\x03\x04\x14", "zip archive"),
        ("id,\0\n1,2\n", "NUL"),
    ],
)
def test_a_useless_header_is_refused_with_the_reason(
    tmp_path: Path, header: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        _read(tmp_path / "a.csv", header)


def test_a_column_without_a_name_is_told_and_left_out(tmp_path: Path) -> None:
    told: list[str] = []
    rows = _read(tmp_path / "a.csv", ",id,text\n0,1,a\n", ReadOptions(tell=told.append))
    assert _values(rows) == [{"id": "1", "text": "a"}]
    assert "column 1 has no name" in told[0]


def test_empty_cells_behind_the_last_column_are_none(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", "id;text;;\n1;a;;\n;;;\n2;b\n")
    assert _values(rows) == [{"id": "1", "text": "a"}]
    assert [line for line, _ in _bad(rows)] == [4]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("id;title;text\n1;a, b, c;d\n2;x, y;z\n", ";"),
        ("id|text\n1|a, b\n", "|"),
        ("id\ttext\n1\ta, b\n", "\t"),
        ('id;text\n1;"a;b"\n', ";"),
        ("id,text\n1,a;b|c\n", ","),
    ],
)
def test_the_delimiter_is_the_one_of_the_header(
    tmp_path: Path, content: str, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    told: list[str] = []
    form = delimited.find_form(path, ReadOptions(tell=told.append))
    assert form.dialect.delimiter == delimiter
    assert len(told) == (delimiter != ",")


def test_an_option_names_the_delimiter_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", "id:text\n1:a,b\n", ReadOptions(delimiter=":"))
    assert _values(rows) == [{"id": "1", "text": "a,b"}]
    assert _values(_read(tmp_path / "a.csv", "id\ttext\n1\ta\n", ReadOptions(delimiter="tab")))
    with pytest.raises(SourceError, match="one character"):
        _read(tmp_path / "a.csv", "id,text\n", ReadOptions(delimiter="::"))


@pytest.mark.parametrize("mark", ["sep=;\r\n", "SEP=;\n"])
def test_the_line_that_tells_excel_the_delimiter_is_no_header(tmp_path: Path, mark: str) -> None:
    rows = _read(tmp_path / "a.csv", f"{mark}id;text\n1;a, b\n2\n")
    assert rows[0] == Row(3, {"id": "1", "text": "a, b"})
    assert _bad(rows)[0][0] == 4


def test_blanks_after_the_delimiter_are_dropped_where_the_header_has_them(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", 'id, text\n1 , a\n2, "b, c"\n')
    assert _values(rows)[0] == {"id": "1", "text": "a"}
    assert _values(rows)[1]["text"] == "b, c"
    assert _values(_read(tmp_path / "b.csv", "id,text\n1, a\n")) == [{"id": "1", "text": " a"}]


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ('="007"', "007"), ('"=""007"""', "007"), ('="a ""b"""', 'a "b"'), ('=""', None),
        ("=1+2", "=1+2"), ('="a', '="a'),
    ],
)  # fmt: skip
def test_a_formula_that_keeps_a_text_from_excel_is_that_text(
    tmp_path: Path, cell: str, read: str | None
) -> None:
    told: list[str] = []
    rows = _read(tmp_path / "a.csv", f"text,code\nx,{cell}\n", ReadOptions(tell=told.append))
    assert [row.get("code") for row in _values(rows)] == [read]
    assert [("a formula of Excel" in said, said[-1]) for said in told] == (
        [] if read == cell else [(True, "1")]
    )


def test_a_row_with_too_many_cells_in_quotation_marks_says_how_they_are_read(
    tmp_path: Path,
) -> None:
    ((_, said),) = _bad(_read(tmp_path / "a.tsv", 'id\ttext\n1\t"a\tb"\n'))
    assert said.endswith("pass --quoting standard where quotation marks enclose cells")
