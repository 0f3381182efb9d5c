import gzip
from pathlib import Path

import polars as pl
import pytest

from molt.index.files import RowError, SourceError
from molt.training.data.dataset import TaskKind
from molt.training.data.raw import ScoredPair, Triplet
from molt.training.data.rows import find_kind, read_scored, read_triplets

TRIPLETS = "query,positive,negative\n"


def refuse(error: RowError) -> None:
    raise error


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("a.jsonl", '{"query": "q", "positive": "p", "negative": "n"}', TaskKind.TRIPLETS),
        ("a.jsonl", '{"id": 1, "query": "q", "positive": "p", "score": 1}', TaskKind.SCORED),
        ("a.jsonl", '{"query": "q", "document": "p", "score": 1}', TaskKind.SCORED),
        ("a.jsonl", '{"query": "q", "text2": "p", "score": 1}', TaskKind.SCORED),
        ("triplets.v2.jsonl", '{"x": 1}', TaskKind.TRIPLETS),
        ("scores.jsonl", '{"x": 1}', TaskKind.SCORED),
        ("a.jsonl", '{"query": "q", "positive": "p"}', None),
        ("a.jsonl", '{"query_id": "q", "doc_id": "d", "score": 1}', None),
        ("a.jsonl", '{"id": "d", "text": "t", "score": 1}', None),
        ("a.jsonl", '{"query": "q", "positive": "p", "doc_id": "d"}', None),
    ],
)
def test_the_kind_is_told_by_the_name_or_the_columns(
    tmp_path: Path, name: str, line: str, kind: TaskKind | None
) -> None:
    path = tmp_path / name
    path.write_text(line + "\n")
    assert find_kind(path) is kind


def test_a_first_row_without_a_negative_hides_no_triplets(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TRIPLETS + "q,p,\nq,p,n\n")
    assert find_kind(path) is TaskKind.TRIPLETS
    bad: list[RowError] = []
    assert read_triplets(path, bad.append) == (Triplet("q", "p", "n"),)
    assert [(error.line, error.reason) for error in bad] == [(2, "negative is missing")]


def test_every_format_gives_the_same_triplets(tmp_path: Path) -> None:
    frame = pl.DataFrame({"query": ["1", "ü"], "positive": ["2", "b"], "negative": ["3", "c"]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    for name in ("a.csv", "a.parquet", "a.jsonl", "a.jsonl.gz"):
        found = read_triplets(tmp_path / name, refuse)
        assert found == (Triplet("1", "2", "3"), Triplet("ü", "b", "c")), name


def test_scores_are_parts_of_the_largest(tmp_path: Path) -> None:
    path = tmp_path / "sts.csv"
    path.write_text("query,text2,score\na,b,5\nc,d,2.5\ne,f,0\n")
    assert [pair.score for pair in read_scored(path, refuse)] == [1.0, 0.5, 0.0]


def test_scores_of_zero_stay_zero(tmp_path: Path) -> None:
    path = tmp_path / "sts.csv"
    path.write_text("query,document,score\na,b,0\n")
    assert read_scored(path, refuse) == (ScoredPair("a", "b", 0.0),)


def test_bad_rows_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    lines = [
        '{"query": "a", "document": "b", "score": 1}',
        "{oops",
        '{"query": "a", "document": "b"}',
        '{"query": "a", "document": "b", "score": "high"}',
        '{"query": "a", "document": "b", "score": -1}',
        '{"query": "a", "document": "b", "score": "inf"}',
        '{"query": "a", "document": "b", "score": true}',
        '{"query": "a", "document": ["b"], "score": 1}',
        '{"query": " ", "document": "b", "score": 1}',
        '{"query": "a", "score": 1}',
    ]
    path.write_text("\n".join(lines))
    bad: list[RowError] = []
    assert len(read_scored(path, bad.append)) == 1
    assert [error.line for error in bad] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert "'high', not a number" in bad[2].reason
    assert "document must be a string, not a list" in bad[6].reason
    assert bad[8].reason == "positive is missing"


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "triplets.docx").write_text("x")
    with pytest.raises(SourceError, match="no known format"):
        read_triplets(tmp_path / "triplets.docx", refuse)
