import gzip
from pathlib import Path

import polars as pl
import pytest

from molt.index.catalog.judgments import Pair
from molt.index.files import RowError, SourceError
from molt.training.data.dataset import TaskKind
from molt.training.data.raw import ScoredPair, Triplet
from molt.training.data.rows import find_kind, read_contrasts, read_scored

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
        ("a.jsonl", '{"query": "q", "pos": ["p"], "neg": []}', TaskKind.TRIPLETS),
        ("a.jsonl", '{"Anchor": "q", "Positive": "p", "negative_1": "n"}', TaskKind.TRIPLETS),
        ("a.jsonl", '{"query": "q", "relevant_passages": [], "hard_negatives": []}',
         TaskKind.TRIPLETS),
        ("a.jsonl", '{"sentence1": "q", "sentence2": "p", "label": 1}', TaskKind.SCORED),
        ("a.jsonl", '{"text_1": "q", "text_2": "p", "label": -1}', TaskKind.SCORED),
        ("a.jsonl", '{"query": "q", "positive": "p"}', None),
        ("a.jsonl", '{"query_id": "q", "doc_id": "d", "score": 1}', None),
        ("a.jsonl", '{"id": "d", "text": "t", "score": 1}', None),
        ("a.jsonl", '{"query": "q", "positive": "p", "doc_id": "d"}', None),
    ],
)  # fmt: skip
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
    found = read_contrasts(path, bad.append)
    assert (found.pairs, found.triplets) == ((Pair("q", "p"),), (Triplet("q", "p", "n"),))
    assert bad == []


def test_every_format_gives_the_same_triplets(tmp_path: Path) -> None:
    frame = pl.DataFrame({"query": ["1", "ü"], "positive": ["2", "b"], "negative": ["3", "c"]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    for name in ("a.csv", "a.parquet", "a.jsonl", "a.jsonl.gz"):
        found = read_contrasts(tmp_path / name, refuse).triplets
        assert found == (Triplet("1", "2", "3"), Triplet("ü", "b", "c")), name


def test_scores_are_parts_of_the_largest(tmp_path: Path) -> None:
    path = tmp_path / "sts.csv"
    path.write_text("query,text2,score\na,b,5\nc,d,2.5\ne,f,0\n")
    assert [pair.score for pair in read_scored(path, refuse).scored] == [1.0, 0.5, 0.0]


def test_scores_below_zero_are_cosines(tmp_path: Path) -> None:
    path = tmp_path / "sts.csv"
    path.write_text("query,document,score\na,b,1\nc,d,-1\ne,f,-0.25\ng,h,0\ni,j,3\n")
    bad: list[RowError] = []
    found = read_scored(path, bad.append).scored
    assert [pair.score for pair in found] == [1.0, 0.0, 0.375, 0.5]
    assert [(error.line, "must be from -1 to 1" in error.reason) for error in bad] == [(6, True)]


def test_lists_of_positives_and_negatives_are_all_used(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    rows = [
        '{"query": "q", "pos": ["p1", "p2", "p3"], "neg": ["n1", "n2"], "type": "x"}',
        '{"query": "r", "pos": ["p1", "p2"], "neg": []}',
        '{"query": "s", "pos": ["p"], "neg": ["n1", "n2"], "pos_scores": [1]}',
        '{"query": "t", "pos": [], "neg": ["n"]}',
        '{"query": "u", "positive_passages": [{"docid": "1", "title": "T", "text": "p"}]}',
    ]
    path.write_text("\n".join(rows))
    bad: list[RowError] = []
    found = read_contrasts(path, bad.append)
    assert found.triplets == (
        Triplet("q", "p1", "n1"), Triplet("q", "p2", "n2"), Triplet("q", "p3", "n1"),
        Triplet("s", "p", "n1"), Triplet("s", "p", "n2"),
    )  # fmt: skip
    assert found.pairs == (Pair("r", "p1"), Pair("r", "p2"), Pair("u", "T p"))
    assert [(error.line, error.reason[:19]) for error in bad] == [(4, "positive is missing")]
    assert [said.split(": ", 1)[1] for said in found.remarks] == [
        '1 row: the column "pos_scores" is not learnt from',
        '1 row: the column "type" is not learnt from',
    ]


def test_negatives_in_columns_of_their_own_are_all_used(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("anchor,positive,negative_1,negative_2\nq,p,n1,n2\nq,p,,n3\n")
    found = read_contrasts(path, refuse)
    assert [one.negative for one in found.triplets] == ["n1", "n2", "n3"]


def test_triples_without_a_header_are_read(tmp_path: Path) -> None:
    path = tmp_path / "triples.train.small.tsv"
    path.write_text("what is it\ta good answer\ta bad one\n")
    assert find_kind(path) is TaskKind.TRIPLETS
    assert read_contrasts(path, refuse).triplets == (
        Triplet("what is it", "a good answer", "a bad one"),
    )


def test_scores_of_zero_stay_zero(tmp_path: Path) -> None:
    path = tmp_path / "sts.csv"
    path.write_text("query,document,score\na,b,0\n")
    assert read_scored(path, refuse).scored == (ScoredPair("a", "b", 0.0),)


def test_bad_rows_are_named_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    lines = [
        '{"query": "a", "document": "b", "score": 1}',
        "{oops",
        '{"query": "a", "document": "b"}',
        '{"query": "a", "document": "b", "score": "high"}',
        '{"query": "a", "document": "b", "score": "-inf"}',
        '{"query": "a", "document": "b", "score": "inf"}',
        '{"query": "a", "document": "b", "score": true}',
        '{"query": "a", "document": ["b", "c"], "score": 1}',
        '{"query": " ", "document": "b", "score": 1}',
        '{"query": "a", "score": 1}',
    ]
    path.write_text("\n".join(lines))
    bad: list[RowError] = []
    assert len(read_scored(path, bad.append).scored) == 1
    assert [error.line for error in bad] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert '"high", not a number' in bad[2].reason
    assert bad[8].reason.startswith("document is missing; bring one text in a column document or")


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "triplets.docx").write_text("x")
    with pytest.raises(SourceError, match="no known format"):
        read_contrasts(tmp_path / "triplets.docx", refuse)
