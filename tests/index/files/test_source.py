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
        Judgment("q2", "d2", 1, "test"),
        Judgment("q1", "d1", 2, "train"),
        Judgment("q1", "d2", 0, "train"),
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


@pytest.mark.parametrize("name", ["notes.txt", "data.json", "corpus.parquet.gz", "noend"])
def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(SourceError, match=r"\.jsonl, \.ndjson, \.csv"):
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
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    frame.write_parquet(tmp_path / "a.parquet")
    expected = [
        Document("1", "x", title="T", metadata={"price": 2, "ok": True}),
        Document("02", 'y\nz, "q"', title="U", metadata={"price": 3, "ok": False}),
    ]
    for name in ("a.jsonl", "a.csv", "a.tsv", "a.parquet"):
        assert list(open_source(tmp_path / name).documents()) == expected, name


def test_a_bad_row_stops_the_reading_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n\n{"id": "b"}\n{"id": "c", "text": "x"}\n')
    stream = open_source(path).documents()
    assert next(stream).id == "a"
    with pytest.raises(RowError, match=r"docs\.jsonl: line 3: document 'b': text is empty") as bad:
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
        "'k'",
        "NUL",
        "64 bits",
    ):
        assert part in reasons


def test_grades_are_whole_numbers(tmp_path: Path) -> None:
    path = tmp_path / "qrels.tsv"
    path.write_text(HEADER + "q\ta\t1\nq\tb\t2.0\nq\tc\t0.5\nq\td\thigh\nq\te\t-1\nq\tf\t\n")
    bad: list[RowError] = []
    good = list(open_source(path, reject=bad.append).judgments())
    assert [(one.doc_id, one.grade) for one in good] == [("a", 1), ("b", 2)]
    assert [error.line for error in bad] == [4, 5, 6, 7]


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
