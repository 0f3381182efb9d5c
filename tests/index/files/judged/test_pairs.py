import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from molt.index.catalog.judgments import Judgment, Pair
from molt.index.files import RecordKind, RowError, Source, open_source
from molt.index.files.options import ReadOptions


def pairs_of(path: Path, options: ReadOptions | None = None) -> list[Pair]:
    return list(open_source(path, options=options or ReadOptions()).pairs())


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def read(path: Path) -> tuple[Source, list[Pair], list[RowError]]:
    bad: list[RowError] = []
    source = open_source(path, reject=bad.append)
    return source, list(source.pairs()), bad


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("a", '{"query": "q", "positive": "p", "negative": "n"}', Pair("q", "p", negative="n")),
        ("a", '{"id": 1, "query": "q", "positive": "p", "score": 1}', Pair("q", "p", score=1.0)),
        ("a", '{"query": "q", "document": "p", "score": 1}', Pair("q", "p", score=1.0)),
        ("a", '{"query": "q", "text2": "p", "score": 1}', Pair("q", "p", score=1.0)),
        ("a", '{"query": "q", "pos": ["p"], "neg": []}', Pair("q", "p")),
        ("a", '{"Anchor": "q", "Positive": "p", "negative_1": "n"}', Pair("q", "p", negative="n")),
        ("a", '{"query": "q", "relevant_passages": ["p"], "hard_negatives": ["n"]}',
         Pair("q", "p", negative="n")),
        ("a", '{"prompt": "q", "chosen": "p", "rejected": "n"}', Pair("q", "p", negative="n")),
        ("a", '{"query": "q", "positive": "p", "hard_negative_1": "n"}',
         Pair("q", "p", negative="n")),
        ("a", '{"query": "q", "pos": {"title": "t", "text": "p"}, "neg": {"text": "n"}}',
         Pair("q", "t p", negative="n")),
        ("a", '{"sentence_A": "q", "sentence_B": "p", "relatedness_score": 1}',
         Pair("q", "p", score=1.0)),
        ("a", '{"sentence1": "q", "sentence2": "p", "label": 1}', Pair("q", "p", score=1.0)),
        ("a", '{"text_1": "q", "text_2": "p", "label": -1}', Pair("q", "p", score=0.0)),
        ("a", '{"question1": "q", "question2": "p", "is_duplicate": true}',
         Pair("q", "p", score=1.0)),
        ("a", '{"premise": "q", "hypothesis": "p", "label": "Neutral"}', Pair("q", "p", score=0.5)),
        ("a", '{"sentence1": "q", "sentence2": "p", "gold_label": "contradiction"}',
         Pair("q", "p", score=0.0)),
        ("a", '{"query": "q", "doc_id": 7, "score": 0.5}', Pair("q", None, "7", score=0.5)),
        ("a", '{"query": "q", "document": "p", "relevant": "no"}', Pair("q", "p", score=0.0)),
        ("a", '{"query": "q", "product_id": 7.0}', Pair("q", None, "7")),
        ("a", '{"question": "q", "answers": ["a"], "positive_ctxs": [{"title": "T", "text": "p"}]}',
         Pair("q", "T p")),
        ("a", '{"query": "q", "doc_id": "d", "negative": "n"}', Pair("q", None, "d", "n")),
        ("train", '{"query": "q", "positive": "p"}', Pair("q", "p", split="train")),
        ("valid", '{"query": "q", "positive": "p", "split": "test"}', Pair("q", "p", split="test")),
    ],
)  # fmt: skip
def test_training_files_of_every_kind_are_pairs(
    tmp_path: Path, name: str, line: str, found: Pair
) -> None:
    assert pairs_of(written(tmp_path / f"{name}.jsonl", line + "\n")) == [found]


@pytest.mark.parametrize("name", ["triplets.v2.jsonl", "scores.jsonl", "my-pairs.jsonl"])
def test_a_name_that_says_pairs_has_its_rows_say_what_is_missing(tmp_path: Path, name: str) -> None:
    _, found, bad = read(written(tmp_path / name, '{"x": 1}\n'))
    assert found == []
    assert [error.reason[:16] for error in bad] == ["query is missing"]


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("scores.jsonl", '{"query_id": "q", "doc_id": "d", "score": 1}', RecordKind.JUDGMENTS),
        ("shoe-pairs.jsonl", '{"id": "d", "text": "t", "score": 1}', RecordKind.DOCUMENTS),
        ("a.jsonl", '{"id": "d", "text": "t", "score": 1}', RecordKind.DOCUMENTS),
        ("game-scores.jsonl", '{"id": "d", "title": "t", "score": 1}', RecordKind.DOCUMENTS),
        ("a.jsonl", '{"product_id": 1, "query": "q", "title": "t", "description": "x"}',
         RecordKind.DOCUMENTS),
        ("a.jsonl", '{"doc_id": 1, "question": "q", "Abstract": "x"}', RecordKind.DOCUMENTS),
        ("a.jsonl", '{"sentence1": "q", "sentence2": "p", "summary": "x"}', RecordKind.DOCUMENTS),
        ("a.jsonl", '{"product_id": 1, "query": "q", "description": "x", "label": 1}',
         RecordKind.PAIRS),
        ("a.jsonl", '{"query": "q", "positive": "p", "description": "x"}', RecordKind.PAIRS),
    ],
)  # fmt: skip
def test_columns_of_documents_and_judgments_are_no_pairs_whatever_the_name_says(
    tmp_path: Path, name: str, line: str, kind: RecordKind
) -> None:
    (part,) = open_source(written(tmp_path / name, line + "\n")).parts
    assert part.kind is kind


@pytest.mark.parametrize(
    ("name", "header", "said"),
    [
        ("faq.csv", "id,question,answer", ["is read as pairs"]),
        ("faq.csv", "Title,question,answer", ["is read as pairs"]),
        ("faq.csv", "note,question,answer", []),
        ("faq-pairs.csv", "id,question,answer", []),
    ],
)
def test_pairs_that_might_be_documents_are_said_to_be_read_as_pairs(
    tmp_path: Path, name: str, header: str, said: list[str]
) -> None:
    told: list[str] = []
    path = written(tmp_path / name, f"{header}\n1,why,so\n")
    assert pairs_of(path, ReadOptions(tell=told.append)) == [Pair("why", "so")]
    assert [one.partition(": ")[2][:16] for one in told] == said


def test_a_cell_in_brackets_that_lists_no_texts_is_the_text(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'query,positive\nq,[2020]\nq,"[""a"", ""b""]"\n')
    assert pairs_of(path) == [Pair("q", "[2020]"), Pair("q", "a"), Pair("q", "b")]


def test_a_first_row_without_a_negative_hides_none(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "query,positive,negative\nq,p,\nq,p,n\n")
    assert pairs_of(path) == [Pair("q", "p"), Pair("q", "p", negative="n")]


def test_every_format_gives_the_same_pairs(tmp_path: Path) -> None:
    frame = pl.DataFrame({"anchor": ["1", "ü"], "positive": ["2", "b"], "negative": ["3", "c"]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    for name in ("a.csv", "a.parquet", "a.jsonl", "a.jsonl.gz"):
        found = pairs_of(tmp_path / name)
        assert found == [Pair("1", "2", negative="3"), Pair("ü", "b", negative="c")], name


@pytest.mark.parametrize(
    ("given", "kept", "said"),
    [
        ("5 2.5 0", [1.0, 0.5, 0.0], "divided by their largest, 5"),
        ("1 0.25 0", [1.0, 0.25, 0.0], None),
        ("0.8 0.4", [0.8, 0.4], None),
        ("0", [0.0], None),
        ("1 -1 -0.25 0", [1.0, 0.0, 0.375, 0.5], "-1 is 0, and 0 is 0.5"),
        ("entailment neutral no", [1.0, 0.5, 0.0], "entailment 1, neutral 0.5, no 0"),
    ],
)
def test_scores_of_every_scale_are_kept_as_0_to_1_and_it_is_said(
    tmp_path: Path, given: str, kept: list[float], said: str | None
) -> None:
    rows = "".join(f"q,t{at},{one}\n" for at, one in enumerate(given.split()))
    source = open_source(written(tmp_path / "sts.csv", "query,text2,score\n" + rows))
    assert [pair.score for pair in source.pairs()] == kept
    assert [(said or "") in remark for remark in source.remarks] == ([True] if said else [])


def test_a_scale_that_no_scores_have_is_not_said_to_be_kept(tmp_path: Path) -> None:
    source, found, bad = read(written(tmp_path / "a.csv", "query,text2,score\na,b,-2\na,c,300\n"))
    assert (found, len(bad), source.remarks) == ([], 2, [])


def test_a_score_that_is_no_number_is_named_as_the_file_has_it(tmp_path: Path) -> None:
    rows = [{"query": "q", "text2": "p", "score": one} for one in (True, ["a"])]
    _, _, bad = read(written(tmp_path / "a.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows)))
    said = [error.reason for error in bad]
    assert said == ["score is true, not a number", 'score is ["a"], not a number']


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        ("a,b,1\nc,d,-1\ni,j,3\n", 4, "must be from -1 to 1"),
        ("a,b,5\nc,d,entailment\n", 3, "beside numbers"),
        ("a,b,1\nc,d,\n", 3, "score is missing"),
        ("a,b,1\nc,d,maybe\n", 3, '"maybe", not a number'),
        ('a,b,1\nc,d,"0,5"\n', 3, "pass --number for decimal commas"),
    ],
)
def test_a_score_that_is_of_no_such_scale_makes_a_bad_row(
    tmp_path: Path, rows: str, line: int, said: str
) -> None:
    _, _, bad = read(written(tmp_path / "sts.csv", "query,document,score\n" + rows))
    assert [(error.line, said in error.reason) for error in bad] == [(line, True)]


def test_decimal_commas_are_read_where_the_column_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "query;document;score\na;b;0,5\nc;d;1,0\n")
    found = pairs_of(path, ReadOptions(number_columns=("score",)))
    assert [pair.score for pair in found] == [0.5, 1.0]


def test_numbers_of_premises_are_refused_as_they_mean_different_things(tmp_path: Path) -> None:
    _, found, bad = read(
        written(tmp_path / "nli.csv", "premise,hypothesis,label\na,b,2\nc,d,neutral\n")
    )
    assert [pair.score for pair in found] == [0.5]
    assert [(one.line, "write entailment, neutral" in one.reason) for one in bad] == [(2, True)]


def test_lists_of_positives_and_negatives_are_all_used(tmp_path: Path) -> None:
    rows = [
        '{"query": "q", "pos": ["p1", "p2", "p3"], "neg": ["n1", "n2"], "type": "x"}',
        '{"query": "r", "pos": ["p1", "p2"], "neg": []}',
        '{"query": "s", "pos": ["p"], "neg": ["n1", "n2"], "pos_scores": [1]}',
        '{"query": "t", "pos": [], "neg": ["n"]}',
        '{"query": "u", "positive_passages": [{"docid": "1", "title": "T", "text": "p"}]}',
    ]
    source, found, bad = read(written(tmp_path / "a.jsonl", "\n".join(rows)))
    assert [(one.query, one.positive, one.negative) for one in found] == [
        ("q", "p1", "n1"), ("q", "p2", "n2"), ("q", "p3", "n1"),
        ("r", "p1", None), ("r", "p2", None),
        ("s", "p", "n1"), ("s", "p", "n2"),
        ("u", "T p", None),
    ]  # fmt: skip
    assert [(error.line, error.reason[:19]) for error in bad] == [(4, "positive is missing")]
    assert [said.split(": ", 1)[1] for said in source.remarks] == [
        '1 row: the column "pos_scores" is not kept',
        '1 row: the column "type" is not kept',
    ]


def test_negatives_in_columns_of_their_own_are_all_used(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.csv", "anchor,positive,negative_1,negative_2\nq,p,n1,n2\nq,p,,n3\n"
    )
    assert [one.negative for one in pairs_of(path)] == ["n1", "n2", "n3"]


def test_triples_without_a_header_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "triples.train.small.tsv", "what is it\ta good answer\ta bad one\n")
    assert pairs_of(path) == [
        Pair("what is it", "a good answer", negative="a bad one", split="train")
    ]


@pytest.mark.parametrize("name", ["qidpidtriples.train.full.2.tsv", "triples.train.ids.tsv"])
def test_triples_of_ids_are_judgments_of_1_and_0(tmp_path: Path, name: str) -> None:
    source = open_source(written(tmp_path / name, "1\t10\t11\n2\t20\t21\n"))
    assert list(source.judgments()) == [
        Judgment("1", "10", 1, "train"), Judgment("1", "11", 0, "train"),
        Judgment("2", "20", 1, "train"), Judgment("2", "21", 0, "train"),
    ]  # fmt: skip
    assert source.remarks == []


def test_bad_rows_are_named_with_their_lines(tmp_path: Path) -> None:
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
    _, found, bad = read(written(tmp_path / "scores.jsonl", "\n".join(lines)))
    assert len(found) == 1
    assert [error.line for error in bad] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert '"high", not a number' in bad[2].reason
    assert "document is several; bring one text" in bad[6].reason
    assert "positive is missing" in bad[8].reason


def test_a_claimed_answer_without_a_score_stands_beside_scored_ones(tmp_path: Path) -> None:
    rows = '{"query": "a", "positive": "b"}\n{"query": "a", "positive": "c", "score": 0.5}\n'
    found = pairs_of(written(tmp_path / "pairs.jsonl", rows))
    assert found == [Pair("a", "b"), Pair("a", "c", score=0.5)]


@pytest.mark.parametrize(
    ("name", "split", "found", "said"),
    [
        ("mine.csv", "validation", ["dev", "test"], 0),
        ("train.csv", "dev", ["train", "test"], 1),
        ("dev.csv", "val", ["dev", "test"], 0),
        ("mine.csv", None, [None, "test"], 0),
    ],
)
def test_a_split_is_named_by_the_row_the_file_and_then_the_options(
    tmp_path: Path, name: str, split: str | None, found: list[str | None], said: int
) -> None:
    options = ReadOptions(split=split)
    pairs = written(tmp_path / name, "query,positive,split\na,b,\na,c,test\n")
    source = open_source(pairs, options=options)
    assert [pair.split for pair in source.pairs()] == found
    assert len([one for one in source.remarks if "goes before dev" in one]) == said
    judged = written(tmp_path / name, "query_id,doc_id,grade,split\na,b,1,\na,c,1,test\n")
    source = open_source(judged, options=options)
    assert [one.split for one in source.judgments()] == found
    assert len([one for one in source.remarks if "goes before dev" in one]) == said


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"query": "q", "expected_doc_ids": ["a", 2]}',
         [Pair("q", None, "a"), Pair("q", None, "2")]),
        ('{"query": "q", "doc_id": ["a"], "positive": ["p", "r"]}',
         [Pair("q", "p", "a"), Pair("q", "r", "a")]),
        ('{"query": "q", "doc_ids": ["a", "b"], "positive": ["p", "r"]}',
         [Pair("q", "p", "a"), Pair("q", "r", "b")]),
        ('{"query": "q", "answers": ["no"], "passages": [{"is_selected": 1, "passage_text": "p"}]}',
         [Pair("q", "p")]),
        ('{"query": "q", "passages": {"is_selected": [0, 1], "passage_text": ["n", "p"]}}',
         [Pair("q", "p", negative="n")]),
        ('{"query": "q", "answers": ["a"], "passages": [{"is_selected": 0, "passage_text": "n"}]}',
         [Pair("q", "a")]),
    ],
)  # fmt: skip
def test_several_documents_and_selected_passages_are_pairs(
    tmp_path: Path, line: str, found: list[Pair]
) -> None:
    assert pairs_of(written(tmp_path / "a.jsonl", line + "\n")) == found


def test_as_many_texts_as_documents_are_needed(tmp_path: Path) -> None:
    row = '{"query": "q", "doc_ids": ["a", "b"], "positive": ["p"]}'
    _, _, bad = read(written(tmp_path / "a.jsonl", row + "\n"))
    assert ["bring as many texts, or none" in one.reason for one in bad] == [True]
