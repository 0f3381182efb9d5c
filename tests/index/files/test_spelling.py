from pathlib import Path

import pytest

from molt.index.files import open_source

HEADER = "query-id\tcorpus-id\tscore\n"
CSV = "id,text\n"


def _ids(folder: Path, files: dict[str, str]) -> tuple[list[str], list[str]]:
    """The ids of documents, and those that judgments name."""
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    source = open_source(folder)
    documents = [one.id for one in source.documents()]
    return documents, [one.doc_id for one in source.judgments()]


@pytest.mark.parametrize(
    ("corpus", "ids", "named"),
    [
        ({"docs.csv": CSV + "1.0,a\n1.1,b\n2.0,c\n"}, ["1.0", "1.1", "2.0"], ["1.0", "2.0"]),
        ({"docs.csv": CSV + "1.0,a\n2.0,c\n"}, ["1", "2"], ["1", "2"]),
        ({"docs.csv": CSV + "1,a\n2,c\nd7,x\n"}, ["1", "2", "d7"], ["1", "2"]),
        (
            {"docs-0.csv": CSV + "1.0,a\n2.0,b\n", "docs-1.csv": CSV + "3.0,a\nd7,x\n"},
            ["1.0", "2.0", "3.0", "d7"],
            ["1.0", "2.0"],
        ),
        ({"corpus.jsonl": '{"_id": "1.0", "text": "a"}\n'}, ["1.0"], ["1.0", "2.0"]),
        ({"corpus.jsonl": '{"_id": 1.0, "text": "a"}\n'}, ["1"], ["1", "2"]),
        ({"corpus.jsonl": '{"_id": "1", "text": "a"}\n'}, ["1"], ["1", "2"]),
    ],
)
def test_judgments_name_documents_as_the_documents_themselves_are_read(
    tmp_path: Path, corpus: dict[str, str], ids: list[str], named: list[str]
) -> None:
    qrels = HEADER + "q1\t1.0\t1\nq1\t2.0\t1\n"
    assert _ids(tmp_path, corpus | {"qrels.tsv": qrels}) == (ids, named)


def test_an_id_is_read_as_its_documents_are_although_another_one_beside_it_is_no_number(
    tmp_path: Path,
) -> None:
    files = {"docs.csv": CSV + "1.0,a\n2.0,b\n", "qrels.tsv": HEADER + "q\t1.0\t1\nq\tx\t1\n"}
    assert _ids(tmp_path, files) == (["1", "2"], ["1", "x"])


def test_files_of_judgments_alone_are_judged_together(tmp_path: Path) -> None:
    files = {
        "qrels/test.tsv": HEADER + "q\t1.0\t1\n",
        "qrels/train.tsv": HEADER + "q\t1.0\t1\nq\t1.1\t1\n",
    }
    assert _ids(tmp_path, files) == ([], ["1.0", "1.1", "1.0"])


def test_ids_of_queries_are_judged_apart_from_those_of_documents(tmp_path: Path) -> None:
    files = {
        "docs.csv": CSV + "1.0,a\n1.1,b\n",
        "queries.csv": CSV + "1.0,a\n2.0,b\n",
        "qrels.tsv": HEADER + "1.0\t1.0\t1\n",
    }
    assert _ids(tmp_path, files) == (["1.0", "1.1"], ["1.0"])
    source = open_source(tmp_path)
    assert [one.id for one in source.queries()] == ["1", "2"]
    assert [one.query_id for one in source.judgments()] == ["1"]
