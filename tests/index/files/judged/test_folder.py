import gzip
from pathlib import Path

import polars as pl
import pytest

from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.files import Source, SourceError, open_source

HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "text": "one"}\n')
    return tmp_path


def _splits(source: Source) -> list[tuple[str, str | None]]:
    return [(one.query_id, one.split) for one in source.judgments()]


@pytest.mark.parametrize(
    "name", ["queries-train.jsonl", "dev_queries.jsonl", "my.queries.jsonl.gz", "topics.jsonl"]
)
def test_queries_under_another_name_are_read(folder: Path, name: str) -> None:
    content = b'{"_id": "q1", "text": "first"}\n'
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert list(open_source(folder).queries()) == [Query("q1", "first")]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("qrels.train.tsv", "train"),
        ("train.tsv", "train"),
        ("qrels_validation.tsv", "dev"),
        ("Test.qrels.tsv", "test"),
        ("qrels/DEV.tsv", "dev"),
        ("qrels/fold1.tsv", "fold1"),
        ("qrels.tsv", None),
    ],
)
def test_judgments_under_another_name_are_read_with_its_split(
    folder: Path, name: str, split: str | None
) -> None:
    (folder / "qrels").mkdir()
    (folder / name).write_text(HEADER + "q1\td1\t1\n")
    assert list(open_source(folder).judgments()) == [Judgment("q1", "d1", 1, split)]


def test_judgments_without_a_header_are_read_in_a_folder(folder: Path) -> None:
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t1\n")
    (folder / "qrels" / "dev.txt").write_text("q2 0 d1 1\n")
    assert _splits(open_source(folder)) == [("q2", "dev"), ("q1", "test")]


def test_a_union_of_judgments_is_read_only_where_it_is_alone(folder: Path) -> None:
    (folder / "qrels.all.tsv").write_text(HEADER + "q1\td1\t1\n")
    assert _splits(open_source(folder)) == [("q1", None)]
    (folder / "qrels.test.tsv").write_text(HEADER + "q1\td1\t1\n")
    assert _splits(open_source(folder)) == [("q1", "test")]


def test_documents_that_are_no_corpus_file_are_read_beside_queries_and_judgments(
    tmp_path: Path,
) -> None:
    (tmp_path / "docs.csv").write_text("id,text\nd1,one\n")
    (tmp_path / "queries.csv").write_text("query_id,text\nq1,first\n")
    (tmp_path / "qrels.txt").write_text("q1 0 d1 1\n")
    (tmp_path / "extra.csv").write_text("id,text\nx,other\n")
    source = open_source(tmp_path)
    assert [one.id for one in source.documents()] == ["d1"]
    assert [one.id for one in source.queries()] == ["q1"]
    assert list(source.judgments()) == [Judgment("q1", "d1", 1)]
    assert [path.name for path in source.unread] == ["extra.csv"]


def test_a_dataset_of_pairs_is_no_dataset_of_documents(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    frame = pl.DataFrame({"anchor": ["q"], "positive": ["p"]})
    frame.write_parquet(tmp_path / "data" / "train-0.parquet")
    source = open_source(tmp_path)
    assert list(source.pairs()) == [Pair("q", "p", split="train")]
    assert list(source.documents()) == []


def test_what_looks_like_data_and_is_not_read_is_named(folder: Path) -> None:
    (folder / "train.tsv").write_text("left\tright\na\tb\n")
    (folder / "extra.jsonl").write_text('{"id": 1}\n')
    (folder / "README.md").write_text("about\n")
    assert [path.name for path in open_source(folder).unread] == ["extra.jsonl", "train.tsv"]


def test_a_compressed_file_of_judgments_beside_the_plain_one_is_refused(folder: Path) -> None:
    (folder / "qrels.train.tsv").write_text(HEADER)
    (folder / "qrels.train.tsv.gz").write_bytes(gzip.compress(HEADER.encode()))
    with pytest.raises(SourceError, match=r"beside qrels\.train\.tsv"):
        open_source(folder)


def test_a_run_in_a_folder_of_judgments_is_refused(folder: Path) -> None:
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.txt").write_text("q1 Q0 d1 1 12.5 bm25\n")
    with pytest.raises(SourceError, match="is a TREC run"):
        open_source(folder)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("Train", "train"), ("VALID", "dev"), (" val ", "dev"), ("Test", "test"), ("eval", "eval")],
)
def test_a_split_has_one_spelling_and_a_strange_one_is_named(
    tmp_path: Path, written: str, kept: str
) -> None:
    path = tmp_path / "qrels.csv"
    path.write_text(f"query_id,doc_id,grade,split\nq1,d1,1,{written}\n")
    source = open_source(path)
    assert _splits(source) == [("q1", kept)]
    assert ['the split "eval" is none of train, dev, test' in one for one in source.remarks] == (
        [True] if kept == "eval" else []
    )


def test_columns_that_nobody_keeps_are_named_with_how_often(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("query,positive,negative,note\nq,p,n,x\nq,p2,n,\n")
    source = open_source(path)
    assert len(list(source.pairs())) == 2
    (note,) = source.remarks
    assert '1 row: the column "note" is not kept' in note


def test_a_folder_of_judgments_is_found_in_any_case(folder: Path) -> None:
    (folder / "Qrels").mkdir()
    (folder / "Qrels" / "test.tsv").write_text(HEADER + "q1\td1\t1\n")
    assert _splits(open_source(folder)) == [("q1", "test")]


def test_a_folder_with_data_that_nobody_reads_is_named(folder: Path) -> None:
    for name in ("more", "notes"):
        (folder / name).mkdir()
    (folder / "more" / "corpus.jsonl").write_text('{"_id": "d2", "text": "two"}\n')
    (folder / "notes" / "a.md").write_text("hello")
    assert open_source(folder).unread == (folder / "more",)


@pytest.mark.parametrize(
    "header",
    ["qid\titer\tdocno\trel", "qid\tpid\tlabel"],
)
def test_judgments_are_known_by_other_columns_too(tmp_path: Path, header: str) -> None:
    path = tmp_path / "qrels.tsv"
    row = "q1\t0\td1\t2" if "iter" in header else "q1\td1\t2"
    path.write_text(f"{header}\n{row}\n")
    assert list(open_source(path).judgments()) == [Judgment("q1", "d1", 2, None)]


def test_queries_are_known_by_columns_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "queries.csv"
    path.write_text("Query ID,Text,Shop\nq1,boots,a\n")
    assert list(open_source(path).queries()) == [Query("q1", "boots", {"Shop": "a"})]
