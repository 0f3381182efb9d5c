from pathlib import Path

import pytest

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Query
from molt.index.files import RowError, SourceError, open_source

TWO = [Judgment("q1", "d1", 2), Judgment("q2", "d2", 0)]


def _judgments(path: Path) -> list[Judgment]:
    return list(open_source(path).judgments())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("qrels.txt", "q1 0 d1 2\nq2 0 d2 0\n"),
        ("qrels", "q1 0 d1 2\nq2 0 d2 0\n"),
        ("robust.2004", "q1 0 d1 2\n\nq2  0\td2 0"),
        ("2019qrels-docs.txt", "q1 Q0 d1 2\r\nq2 Q0 d2 0\r\n"),
        ("judged.tsv", "q1\t0\td1\t2\nq2\t0\td2\t0\n"),
        ("judged.tsv", "\ufeffq1\t0\td1\t2\nq2\t0\td2\t0\n"),
        ("qrels.csv", "q1,0,d1,2\nq2,0,d2,0\n"),
        ("qrels.tsv", "q1\td1\t2\nq2\td2\t0\n"),
        ("qrels.csv", "q1,d1,2.0\nq2,d2,0.0\n"),
    ],
)
def test_judgments_without_a_header_are_read(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert _judgments(tmp_path / name) == TWO


def test_ids_with_blanks_are_whole_where_tabs_part_the_columns(tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("q 1\t0\tone two\t1\n007\t0\t1.0\t1\n")
    assert _judgments(tmp_path / "qrels.tsv")[0] == Judgment("q 1", "one two", 1)


def test_a_grade_below_zero_is_not_relevant_and_said(tmp_path: Path) -> None:
    (tmp_path / "qrels.txt").write_text("q1 0 d1 -2\nq1 0 d2 1\n")
    source = open_source(tmp_path / "qrels.txt")
    assert [one.grade for one in source.judgments()] == [0, 1]
    (said,) = source.remarks
    assert "qrels.txt: 1 row: a grade below 0 became 0" in said


def test_a_bad_line_among_judgments_is_named_and_no_other_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_bytes(b"q1 0 d1 2\nq1 0 d2\nq1 0 d3 high\nq1 0 \xff 1\nq2 0 d2 0\n")
    bad: list[RowError] = []
    assert list(open_source(path, reject=bad.append).judgments()) == TWO
    assert [error.line for error in bad] == [2, 3, 4]
    assert "has 3 cells where TREC qrels have query_id, iteration, doc_id, grade" in bad[0].reason
    assert "UTF-8" in bad[2].reason


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.txt", "q1 Q0 d1 1 12.5 bm25\nq1 Q0 d2 2 1e-3 bm25\n"),
        ("best.tsv", "q1\tQ0\td1\t1\t12.5\tbm25\n"),
        ("run.dev.small.tsv", "1\t77\t1\n1\t78\t2\n"),
    ],
)
def test_a_run_is_refused_with_what_to_bring(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=r"is a TREC run.*bring the qrels"):
        open_source(tmp_path / name)


@pytest.mark.parametrize("name", ["queries.tsv", "queries.dev.small.tsv", "topics.txt"])
def test_queries_without_a_header_keep_their_texts_as_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1048585\twhat is \"paula\n2\tdeen's, brother\n")
    found = list(open_source(tmp_path / name).queries())
    assert found == [Query("1048585", 'what is "paula'), Query("2", "deen's, brother")]


def test_queries_in_commas_without_a_header_are_read(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text('q1,"tent, red"\nq2,stove\n')
    found = list(open_source(tmp_path / "queries.csv").queries())
    assert found == [Query("q1", "tent, red"), Query("q2", "stove")]


def test_a_collection_without_a_header_is_read(tmp_path: Path) -> None:
    (tmp_path / "collection.tsv").write_text('0\tThe "presence of\n1\tits success\n')
    (tmp_path / "msmarco-docs.tsv").write_text("D1\thttps://a.b/c\tTitle\tBody text\n")
    (first, _) = open_source(tmp_path / "collection.tsv").documents()
    assert first == Document("0", 'The "presence of')
    (only,) = open_source(tmp_path / "msmarco-docs.tsv").documents()
    assert only == Document("D1", "Body text", title="Title", metadata={"url": "https://a.b/c"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("queries.tsv", "query_id\ttext\nq1\ttent\n"),
        ("queries.tsv", "ID\tQuery\nq1\ttent\n"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t2\n"),
        ("docs.csv", "id,text\nd1,one\n"),
    ],
)
def test_a_header_stays_a_header(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    bad: list[RowError] = []
    source = open_source(tmp_path / name, reject=bad.append)
    streams = (source.documents(), source.queries(), source.judgments())
    assert sum(len(list(stream)) for stream in streams) + len(bad) == 1
