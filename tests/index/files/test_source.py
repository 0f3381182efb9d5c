import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.files import RecordKind, RowError, Source, SourceError, open_source
from molt.index.files.options import ReadOptions
from molt.index.files.text.markup import Markup
from tests.paths import SHARED

CORPUS = [
    {"_id": "d1", "title": "T", "text": "one", "metadata": {"z": 1, "a": [True, None]}},
    {"_id": "d2", "title": "", "text": "two"},
]
QUERIES = [{"_id": "q1", "text": "first", "metadata": {"lang": "en"}}, {"_id": "q2", "text": "zwö"}]
PAIRS = [{"query": "q", "positive": "p", "doc_id": "d1"}, {"query": "q", "doc_id": "d2"}]
HEADER = "query-id\tcorpus-id\tscore\n"


def _write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture(params=["", ".gz"])
def beir(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    _write_jsonl(folder / f"corpus.jsonl{request.param}", CORPUS)
    _write_jsonl(folder / f"queries.jsonl{request.param}", QUERIES)
    _write_jsonl(folder / f"pairs.jsonl{request.param}", PAIRS)
    (folder / "qrels" / "train.tsv").write_text(HEADER + "q1\td1\t2\nq1\td2\t0\n")
    (folder / "qrels" / "test.tsv").write_text(HEADER + "q2\td2\t1\n")
    (folder / "qrels" / "all.tsv").write_text(HEADER + "q1\td1\t2\nq1\td2\t0\nq2\td2\t1\n")
    return folder


def test_a_beir_folder_is_read_as_it_lies(beir: Path) -> None:
    source = open_source(beir)
    assert list(source.documents()) == [
        Document("d1", "one", title="T", metadata={"z": 1, "a": [True, None]}),
        Document("d2", "two"),
    ]
    assert list(source.queries()) == [Query("q1", "first", {"lang": "en"}), Query("q2", "zwö")]
    assert list(source.pairs()) == [Pair("q", "p", "d1"), Pair("q", None, "d2")]


def test_the_splits_are_the_names_of_the_qrels_and_their_union_is_skipped(beir: Path) -> None:
    assert list(open_source(beir).judgments()) == [
        Judgment("q1", "d1", 2, "train"),
        Judgment("q1", "d2", 0, "train"),
        Judgment("q2", "d2", 1, "test"),
    ]


def test_the_union_is_read_where_it_is_alone(beir: Path) -> None:
    for split in ("train", "test"):
        (beir / "qrels" / f"{split}.tsv").unlink()
    assert {judgment.split for judgment in open_source(beir).judgments()} == {None}


def test_a_stream_starts_anew_whenever_it_is_asked_for(beir: Path) -> None:
    source = open_source(beir)
    assert list(source.documents()) == list(source.documents())


def test_progress_ends_at_the_size_of_what_was_read(beir: Path) -> None:
    source = open_source(beir)
    seen = [source.progress.position for _ in source.documents()]
    assert seen == sorted(seen)
    assert source.progress.position == source.size(RecordKind.DOCUMENTS) > 0
    _read_all(source)
    assert source.progress.position == source.size() + source.size(RecordKind.DOCUMENTS)


def _read_all(source: Source) -> list[int]:
    streams = (source.documents(), source.queries(), source.judgments(), source.pairs())
    return [sum(1 for _ in stream) for stream in streams]


def test_a_compressed_file_beside_the_plain_one_is_refused(tmp_path: Path) -> None:
    _write_jsonl(tmp_path / "corpus.jsonl", CORPUS)
    _write_jsonl(tmp_path / "corpus.jsonl.gz", CORPUS)
    with pytest.raises(SourceError, match=r"beside corpus\.jsonl"):
        open_source(tmp_path)


def test_a_folder_without_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no BEIR folder"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "corpus.parquet.gz", "sheet.xlsx.zst", "noend"])
def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(SourceError, match="is of no known format"):
        open_source(tmp_path / name)


def test_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.csv", "empty.parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(SourceError):
        open_source(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "row", "kind"),
    [
        ("docs.jsonl", {"id": "d", "contents": "x"}, RecordKind.DOCUMENTS),
        ("queries.ndjson", {"_id": "q", "text": "x"}, RecordKind.QUERIES),
        ("queries.v2.jsonl", {"_id": "q", "text": "x"}, RecordKind.QUERIES),
        ("my.jsonl", {"query_id": "q", "doc_id": "d", "grade": 1}, RecordKind.JUDGMENTS),
        ("query.jsonl", {"query_id": "q", "query": "x", "query_class": "c"}, RecordKind.QUERIES),
        ("my.jsonl", {"Query ID": "q", "query": "x"}, RecordKind.QUERIES),
        ("my.jsonl", {"qid": "q", "query": "x", "title": "t"}, RecordKind.DOCUMENTS),
        ("my.jsonl", {"qid": "q", "query": "x", "positive": "p"}, RecordKind.PAIRS),
        ("my.jsonl", {"qid": "Q42", "pid": "d", "text": "x"}, RecordKind.DOCUMENTS),
        ("my.jsonl", {"query": "q", "positive": "x"}, RecordKind.PAIRS),
        ("my.jsonl", {"doc_id": "d", "body": "x", "query": "meta"}, RecordKind.DOCUMENTS),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_name_or_its_columns(
    tmp_path: Path, name: str, row: dict[str, Any], kind: RecordKind
) -> None:
    _write_jsonl(tmp_path / name, [row])
    source = open_source(tmp_path / name)
    assert [part.kind for part in source.parts] == [kind]
    assert sum(_read_all(source)) == 1


def test_a_folder_as_wands_has_it_is_read_whole(tmp_path: Path) -> None:
    for name, text in (
        ("product.csv", "product_id\tproduct_name\tproduct_description\n7\tbed\tsolid wood\n"),
        ("query.csv", "query_id\tquery\tquery_class\n0\toak bed\tBeds\n"),
        ("label.csv", "id\tquery_id\tproduct_id\tlabel\n0\t0\t7\tExact\n"),
    ):
        (tmp_path / name).write_text(text)
    source = open_source(tmp_path)
    assert [(one.id, one.text) for one in source.documents()] == [("7", "solid wood")]
    assert [(one.id, one.text) for one in source.queries()] == [("0", "oak bed")]
    assert [(one.query_id, one.doc_id) for one in source.judgments()] == [("0", "7")]


def test_ids_that_came_in_a_file_before_are_told(tmp_path: Path) -> None:
    for split in ("test", "train"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.csv").write_text(f"id,text\n1,{split}\n2,x\n")
    told: list[str] = []
    source = open_source(tmp_path, options=ReadOptions(tell=told.append))
    assert len(list(source.documents())) == 4
    (said,) = told
    assert said.startswith(f"{tmp_path}/train/a.csv: rows with an id that came before: 2")


def test_a_named_text_column_makes_documents_of_what_would_be_judgments(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("qid,doc_id,rating,review\n1,d,5,good\n")
    assert open_source(path).parts[0].kind is RecordKind.JUDGMENTS
    found, _ = _documents(path, path.read_text(), text_column="Review")
    assert [(one.id, one.text) for one in found] == [("d", "good")]


def test_a_named_text_column_leaves_judgments_beside_documents_what_they_are(
    tmp_path: Path,
) -> None:
    (tmp_path / "product.csv").write_text("product_id,details\n1,red\n")
    (tmp_path / "label.csv").write_text("query_id,product_id,label\nq,1,Exact\n")
    source = open_source(tmp_path, options=ReadOptions(text_column="details"))
    assert [one.text for one in source.documents()] == ["red"]
    assert [one.grade for one in source.judgments()] == [2]


@pytest.mark.parametrize(
    ("name", "split"), [("dev.csv", "dev"), ("qrels.csv", None), ("judgments.csv", None)]
)
def test_the_split_of_a_single_file_is_its_name(
    tmp_path: Path, name: str, split: str | None
) -> None:
    (tmp_path / name).write_text("query_id,doc_id,grade\nq,d,3\n")
    assert list(open_source(tmp_path / name).judgments()) == [Judgment("q", "d", 3, split)]


def test_a_split_column_goes_before_the_name(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    path.write_text("query_id,doc_id,grade,split\nq,d,3,test\nq,e,2,\n")
    assert [one.split for one in open_source(path).judgments()] == ["test", "dev"]


def test_every_format_gives_the_same_documents(tmp_path: Path) -> None:
    rows = [{"id": "1", "title": "T", "text": "x", "price": 2, "ok": True}]
    rows += [{"id": "02", "title": "U", "text": 'y\nz, "q"', "price": 3, "ok": False}]
    frame = pl.DataFrame(rows)
    _write_jsonl(tmp_path / "a.jsonl", rows)
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.feather")
    frame.write_ipc_stream(tmp_path / "a.arrow")
    expected = [
        Document("1", "x", title="T", metadata={"price": 2, "ok": True}),
        Document("02", 'y\nz, "q"', title="U", metadata={"price": 3, "ok": False}),
    ]
    for name in ("a.jsonl", "a.csv", "a.parquet", "a.feather", "a.arrow"):
        assert list(open_source(tmp_path / name).documents()) == expected, name


def test_a_bad_row_stops_the_reading_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n\n{"id": "b"}\n{"id": "c", "text": "x"}\n')
    stream = open_source(path).documents()
    assert next(stream).id == "a"
    with pytest.raises(RowError, match=r"docs\.jsonl: line 3: document b: text is empty") as bad:
        next(stream)
    assert (bad.value.path, bad.value.line) == (path, 3)


def test_bad_rows_can_be_collected_and_the_good_ones_read(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    lines = [
        '{"id": "a", "text": "x"}',
        "{not json",
        "[1, 2]",
        '{"text": "no id"}',
        '{"id": 7, "text": "whole numbers are fine"}',
        '{"id": true, "text": "x"}',
        '{"id": "b", "text": 5}',
        '{"id": "c", "text": "x", "metadata": "no"}',
        '{"id": "d", "text": "x", "metadata": {"k": 1}, "k": 2}',
        '{"id": "e", "text": "nul \\u0000"}',
        '{"id": "f", "text": "x", "metadata": {"big": 9223372036854775808}}',
        '{"id": "g", "body": "last line without its end"}',
    ]
    path.write_text("\n".join(lines))
    bad: list[RowError] = []
    found = [document.id for document in open_source(path, reject=bad.append).documents()]
    assert found == ["a", "7", "g"]
    assert [error.line for error in bad] == [2, 3, 4, 6, 7, 8, 9, 10, 11]
    reasons = " ".join(error.reason for error in bad)
    for part in (
        "not JSON",
        "not an object",
        "id is missing",
        "a boolean",
        "a key k,",
        "NUL",
        "64 bits",
    ):
        assert part in reasons


def test_grades_are_whole_numbers(tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_text(HEADER + "q\ta\t1\nq\tb\t2.0\nq\tc\t0.5\nq\td\thigh\nq\te\t-1\nq\tf\t\n")
    bad: list[RowError] = []
    good = list(open_source(path, reject=bad.append).judgments())
    assert [(one.doc_id, one.grade) for one in good] == [("a", 1), ("b", 2), ("e", 0)]
    assert [error.line for error in bad] == [4, 5, 7]


def _documents(
    path: Path, content: str | bytes, **options: Any
) -> tuple[list[Document], list[str]]:
    """What a file gives, and what is told about it."""
    path.write_text(content)
    told: list[str] = []
    source = open_source(path, options=ReadOptions(tell=told.append, **options))
    return list(source.documents()), told


@pytest.mark.parametrize(
    "header",
    ["ID,Title,Text", "Doc ID,name,Description", "pid,Headline,CONTENT", "docid,name,body"],
)
def test_well_known_columns_are_recognised_in_any_case(tmp_path: Path, header: str) -> None:
    found, told = _documents(tmp_path / "a.csv", f"{header},url\n1,Tent,for two,http://x\n")
    assert found == [Document("1", "for two", title="Tent", metadata={"url": "http://x"})]
    assert told == []


def test_a_name_is_metadata_where_there_is_a_title(tmp_path: Path) -> None:
    content = "id,title,name,text,description\n1,T,n,x,d\n2,U,m,y,\n3,,l,z,e\n"
    found, _ = _documents(tmp_path / "a.csv", content)
    assert found[0] == Document("1", "x", title="T", metadata={"name": "n", "description": "d"})
    assert found[2] == Document("3", "z", title="", metadata={"name": "l", "description": "e"})


def test_an_empty_text_is_not_filled_from_another_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,description\n1,,d\n2,x,\n")
    bad: list[RowError] = []
    found = list(open_source(tmp_path / "a.csv", reject=bad.append).documents())
    assert [document.id for document in found] == ["2"]
    assert [error.line for error in bad] == [2]


def test_options_name_the_columns_in_every_format(tmp_path: Path) -> None:
    row = {"sku": "a", "headline": "H", "story": "S", "id": 5, "brand": "b", "stock": 3}
    frame = pl.DataFrame([row])
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    _write_jsonl(tmp_path / "a.jsonl", [row])
    options = ReadOptions(
        id_column="sku",
        title_column="headline",
        text_column="Story",
        metadata_columns=("brand", "id"),
    )
    for name in ("a.csv", "a.parquet", "a.jsonl"):
        (found,) = open_source(tmp_path / name, options=options).documents()
        assert (found.id, found.title, found.text) == ("a", "H", "S")
        assert {key: str(value) for key, value in found.metadata.items()} == {
            "id": "5",
            "brand": "b",
        }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"id_column": "sku"}, "has no column sku; it has id, words"),
        ({"number_columns": ("price",)}, "has no column price"),
        ({}, "no column is known to hold the text; it has id, words: name one with --text-column"),
    ],
)
def test_a_column_that_is_missing_is_named_before_anything_is_read(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    (tmp_path / "a.csv").write_text("id,words\n1,x\n")
    with pytest.raises(SourceError, match=said):
        open_source(tmp_path / "a.csv", options=ReadOptions(**options))


def test_documents_without_ids_get_the_same_ones_whenever_they_are_read(tmp_path: Path) -> None:
    content = "title,text,price\nTent,for two,5\nStove,burns gas,7\nStove,burns gas,8\n"
    first, told = _documents(tmp_path / "a.csv", content)
    again, _ = _documents(tmp_path / "b.csv", content)
    assert first == again
    assert len({document.id for document in first}) == 3
    assert any("made from its content" in each for each in told)


def test_whole_floats_are_whole_number_ids_in_every_format(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [1.0, 2.0, None], "text": ["a", "b", "c"]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_csv(tmp_path / "a.csv")
    _write_jsonl(tmp_path / "a.jsonl", [{"id": 1.0, "text": "a"}, {"id": 2.0, "text": "b"}])
    for name in ("a.parquet", "a.csv", "a.jsonl"):
        bad: list[RowError] = []
        source = open_source(tmp_path / name, reject=bad.append)
        assert [document.id for document in source.documents()] == ["1", "2"], name
        assert all("id is missing" in error.reason for error in bad)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1.5", "no whole number"),
        ("1e300", "too large to be exact"),
        ("9007199254740993.0", "too large to be exact"),
    ],
)
def test_a_number_that_is_no_exact_id_is_named(tmp_path: Path, value: str, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": {value}, "text": "x"}}\n')
    with pytest.raises(RowError, match=said):
        list(open_source(path).documents())


def test_numbers_in_strings_of_json_are_read_where_an_option_says_so(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "x", "price": "1.234,50"}, {"id": "b", "text": "x", "price": 3}]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    found, _ = _documents(tmp_path / "a.jsonl", content, number_columns=("price",))
    assert [document.metadata["price"] for document in found] == [1234.5, 3]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('{""n"": 123456789012345678901}', "more than 64 bits"),
        ('{""n"": 1, ""n"": 2}', "name n twice"),
        ("{n}", "a string that is not JSON"),
    ],
)
def test_metadata_in_a_cell_is_never_rounded(tmp_path: Path, cell: str, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'id,text,metadata\n1,x,"{cell}"\n')
    with pytest.raises(RowError, match=said):
        list(open_source(path).documents())


def test_html_is_told_and_stripped_where_an_option_says_so(tmp_path: Path) -> None:
    content = "id,title,text\n1,<b>Tent</b>,<p>for 2 &amp; 3</p>\n"
    kept, told = _documents(tmp_path / "a.csv", content)
    assert kept[0].text == "<p>for 2 &amp; 3</p>"
    assert any("--strip-html" in each for each in told)
    stripped, _ = _documents(tmp_path / "a.csv", content, markup=Markup.STRIPPED)
    assert (stripped[0].title, stripped[0].text) == ("Tent", "for 2 & 3")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id^title^text\n1^Tent^for two\n", r"with --delimiter '\^'"),
        ("1,Tent,for two\n2,Cup,of tin\n", "the first line looks like a row"),
        (
            "Query ID,Product ID,Grade\n1,2,3\n",
            "write the columns of judgments as query_id, doc_id",
        ),
    ],
)
def test_a_table_without_a_known_column_says_what_may_be_wrong(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "docs.csv"
    path.write_text(content)
    with pytest.raises(SourceError, match=said):
        open_source(path)


def test_what_a_shop_exports_is_searched_by_its_text(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("Handle,Title,Body (HTML),Vendor\ntent,Tent,<p>for two</p>,acme\n")
    options = ReadOptions(markup=Markup.STRIPPED, id_column="handle")
    (document,) = open_source(path, options=options).documents()
    assert document == Document("tent", title="Tent", text="for two", metadata={"Vendor": "acme"})


def test_the_first_reason_is_given_where_no_row_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{oops\n{oops\n")
    with pytest.raises(SourceError, match="no row can be read; the first, on line 1, is not JSON"):
        open_source(tmp_path / "a.jsonl")


@pytest.mark.parametrize("name", ["docs.txt", "docs", "docs.data"])
def test_json_is_recognised_under_any_name(tmp_path: Path, name: str) -> None:
    found, _ = _documents(tmp_path / name, '{"id": "1", "text": "x"}\n{"id": "2", "text": "y"}\n')
    assert [document.id for document in found] == ["1", "2"]


@pytest.mark.parametrize("name", ["docs.txt", "docs.tab", "docs"])
def test_a_header_with_a_text_is_recognised_under_any_name(tmp_path: Path, name: str) -> None:
    found, _ = _documents(tmp_path / name, "id\ttext\n1\tx\n")
    assert found == [Document("1", "x")]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("a.zip", "unpack it"), ("a.xls", "save it as .xlsx"), ("a.tar.gz", "unpack it")],
)
def test_a_format_that_nobody_reads_is_refused_with_what_to_do(
    tmp_path: Path, name: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(SourceError, match=hint):
        open_source(tmp_path / name)


def test_rows_that_replace_earlier_ones_are_counted(tmp_path: Path) -> None:
    content = "id,text\na,1\nb,2\na,3\nb,4\n"
    _, told = _documents(tmp_path / "a.csv", content)
    assert [each for each in told if "an id that came before: 2 (the first is a)" in each]


def test_a_field_of_numbers_and_texts_is_told_and_kept(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "x", "price": 3}, {"id": "2", "text": "x", "price": "n/a"}]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    found, told = _documents(tmp_path / "a.jsonl", content)
    assert [document.metadata["price"] for document in found] == [3, "n/a"]
    assert [each for each in told if "price: 1 numbers and 1 texts (n/a)" in each]


def test_ids_as_another_database_exports_them_are_strings(tmp_path: Path) -> None:
    found, _ = _documents(tmp_path / "a.jsonl", '{"_id": {"$oid": "65f0"}, "text": "x"}\n')
    assert found == [Document("65f0", "x")]


def test_a_format_may_be_named(tmp_path: Path) -> None:
    found, _ = _documents(tmp_path / "docs.txt", "id;text\n1;x\n", format="csv")
    assert found == [Document("1", "x")]


def test_a_folder_of_tables_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "b.CSV").write_text("id,text\n1,x\n")
    (tmp_path / "a.jsonl").write_text('{"id": "2", "text": "y"}\n')
    (tmp_path / "notes.txt").write_text("x")
    assert [document.id for document in open_source(tmp_path).documents()] == ["2", "1"]


COUNTS = {
    "arxiv": (74_709, 74_709, 74_709, 0),
    "chorus_icecat": (19_406, 135, 3_668, 15_564),
    "cranfield": (1_398, 225, 1_611, 0),
    "devops_se": (4_966, 3_227, 4_966, 0),
    "medquad": (16_344, 14_978, 16_356, 0),
    "scitldr": (3_229, 5_412, 5_412, 0),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", [name for name in COUNTS if name != "arxiv"])
def test_a_real_corpus_is_read_to_the_last_row(name: str) -> None:
    if not SHARED.is_dir():
        pytest.skip("the real corpora are not beside the project (`../shared/data`)")
    source = open_source(SHARED / name)
    assert tuple(_read_all(source)) == COUNTS[name]
    assert source.progress.position == source.size()
    splits = Counter(judgment.split for judgment in source.judgments())
    assert set(splits) == {"train", "dev", "test"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("feed.xml", "of XML only TREC topics are read; convert its records to .jsonl"),
        ("page.html", "pages are not read"),
        ("dump.sql", "export its tables as .csv or .jsonl"),
        ("data.yaml", "YAML is not read"),
        ("frame.pkl", "pickles are never read, since they run code"),
        ("vectors.npy", "vectors are not read; bring the texts"),
    ],
)
def test_a_format_that_is_not_read_has_a_hint_of_what_to_bring(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / name).write_text('<?xml version="1.0"?>\n<rss><item/></rss>\n')
    with pytest.raises(SourceError, match=said):
        open_source(tmp_path / name)


@pytest.mark.parametrize(
    "first", ["1,Boot,Warm boot", "https://x/y,a", "a,Warm and light for long walks in rain"]
)
def test_a_first_line_that_looks_like_a_row_is_said_to(tmp_path: Path, first: str) -> None:
    (tmp_path / "a.csv").write_text(f"{first}\n{first}\n")
    with pytest.raises(SourceError, match="the first line looks like a row"):
        open_source(tmp_path / "a.csv")
