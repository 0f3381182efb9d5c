from pathlib import Path

import polars as pl
import pytest

from molt.index.catalog.judgments import Judgment
from molt.index.files import Source, SourceError, open_source

CORPUS = {"_id": ["d1"], "title": ["T"], "text": ["one"]}
QUERIES = {"_id": ["q1"], "text": ["first"]}
QRELS = {"query-id": ["q1"], "corpus-id": ["d1"], "score": [1]}


def _write(path: Path, columns: dict[str, list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).write_parquet(path)


def _read(source: Source) -> tuple[list[str], list[str], list[Judgment]]:
    documents = [one.id for one in source.documents()]
    return documents, [one.id for one in source.queries()], list(source.judgments())


@pytest.mark.parametrize(
    ("corpus", "queries", "qrels"),
    [
        ("corpus-00000.parquet", "queries-00000.parquet", "qrels-test-00000.parquet"),
        ("corpus/a-0.parquet", "queries/a-0.parquet", "qrels/test-0.parquet"),
        ("en-corpus/test-0.parquet", "en-queries/test-0.parquet", "en-qrels/test-0.parquet"),
        ("data/corpus/0.parquet", "data/queries/0.parquet", "data/qrels/test-0.parquet"),
        ("corpus/a-0.parquet", "queries.parquet", "qrels/test.parquet"),
    ],
)
def test_each_table_of_a_dataset_is_of_its_own_kind(
    tmp_path: Path, corpus: str, queries: str, qrels: str
) -> None:
    _write(tmp_path / corpus, CORPUS)
    _write(tmp_path / queries, QUERIES)
    assert _read(open_source(tmp_path)) == (["d1"], ["q1"], [])
    _write(tmp_path / qrels, QRELS)
    assert _read(open_source(tmp_path)) == (["d1"], ["q1"], [Judgment("q1", "d1", 1, "test")])


def test_shards_are_of_the_kind_of_the_first_one(tmp_path: Path) -> None:
    _write(tmp_path / "train-00000-of-00002.parquet", CORPUS)
    pl.DataFrame(CORPUS).clear().write_parquet(tmp_path / "train-00001-of-00002.parquet")
    assert _read(open_source(tmp_path)) == (["d1"], [], [])


def test_texts_with_scores_are_pairs_of_the_split_that_the_table_or_its_folder_names(
    tmp_path: Path,
) -> None:
    scored: dict[str, list[object]] = {"sentence1": ["a"], "sentence2": ["b"], "score": [0.5]}
    for name in ("c/a.parquet", "data/test-00000.parquet", "validation/a.parquet"):
        _write(tmp_path / name, scored)
    assert [pair.split for pair in open_source(tmp_path).pairs()] == [None, "dev", "test"]
    _write(tmp_path / "z.parquet", CORPUS)
    assert _read(open_source(tmp_path)) == (["d1"], [], [])


def test_files_of_lines_in_the_folders_of_a_repository_are_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# pairs\n")
    for name in ("data/train.jsonl", "data/en/test.jsonl", ".cache/x.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"query": "q", "positive": "p"}\n')
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "0.csv").write_text("id,text\nq1,first\n")
    source = open_source(tmp_path)
    assert [pair.split for pair in source.pairs()] == ["train", "test"]
    assert [query.id for query in source.queries()] == ["q1"]


def test_what_the_library_writes_about_tables_is_not_named_as_unread(tmp_path: Path) -> None:
    _write(tmp_path / "data" / "train-0.parquet", CORPUS)
    for name in ("dataset_dict.json", "dataset_infos.json"):
        (tmp_path / name).write_text("{}")
    assert open_source(tmp_path).unread == ()


@pytest.mark.parametrize(("names", "said"), [(["a.txt"], "there are a.txt"), ([], "it is empty")])
def test_a_folder_without_any_data_says_what_there_is(
    tmp_path: Path, names: list[str], said: str
) -> None:
    for name in names:
        (tmp_path / name).write_text("hello\n")
    with pytest.raises(SourceError, match=said):
        open_source(tmp_path)
