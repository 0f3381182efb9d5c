from collections.abc import Iterator
from pathlib import Path

import pytest

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.errors import CollectionNotFoundError
from molt.index.files import SourceError
from molt.training.data.config import DataConfig
from molt.training.data.raw import RawData, ScoredPair, Triplet, check_rejected, combine
from molt.training.data.sources import read_collection, read_files
from molt.training.errors import DataError
from tests.training.data.raws import three_splits


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(home_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BEIR folder with a bad row in its corpus and in its judgments."""
    home = tmp_path / "set"
    (home / "qrels").mkdir(parents=True)
    (home / "corpus.jsonl").write_text('{"_id": "d1", "text": "one"}\n{"_id": "d2"}\n')
    (home / "queries.jsonl").write_text('{"_id": "q1", "text": "first"}\n')
    header = "query-id\tcorpus-id\tscore\n"
    (home / "qrels" / "train.tsv").write_text(header + "q1\td1\t2\nq1\td2\thigh\n")
    (home / "triplets.jsonl").write_text('{"query": "q", "positive": "p", "negative": "n"}\n')
    (home / "scores.jsonl").write_text('{"query": "q", "document": "p", "score": 4}\n')
    return home


def test_a_collection_is_read_whole(catalog: Catalog) -> None:
    collection = catalog.collections.create("shop")
    documents = [Document(f"d{at}", f"text {at}") for at in range(2500)]
    catalog.documents.upsert(collection, documents)
    query, judgment = Query("q", "what"), Judgment("q", "d7", 2, "test")
    catalog.judgments.put(collection, queries=[query], judgments=[judgment], pairs=[Pair("a", "b")])
    raw = read_collection(catalog, "shop")
    assert sorted(raw.documents, key=lambda one: int(one.id[1:])) == documents
    assert (raw.queries, raw.judgments, raw.pairs) == ((query,), (judgment,), (Pair("a", "b"),))
    assert [(origin.name, origin.rows) for origin in raw.origins] == [("collection shop", 2503)]


def test_contrasts_and_scores_of_a_collection_are_learnt_from_as_those_of_files(
    catalog: Catalog,
) -> None:
    collection = catalog.collections.create("shop")
    contrast = Pair("a", None, "d7", negative="n", split="train")
    catalog.judgments.put(collection, pairs=[contrast, Pair("a", "b", score=0.25)])
    raw = read_collection(catalog, "shop")
    assert raw.pairs == ()
    assert raw.triplets == (Triplet("a", None, "n", "d7", "train"),)
    assert raw.scored == (ScoredPair("a", "b", 0.25),)
    assert raw.origins[0].rows == 2
    catalog.judgments.put(collection, pairs=[Pair("a", "b", score=0.5)])
    assert read_collection(catalog, "shop").origins != raw.origins


def test_the_digest_of_a_collection_is_that_of_its_content(catalog: Catalog) -> None:
    collection = catalog.collections.create("shop")
    catalog.documents.upsert(collection, [Document("a", "x"), Document("b", "y")])
    before = read_collection(catalog, "shop").origins
    catalog.documents.upsert(collection, [Document("a", "other")])
    between = read_collection(catalog, "shop").origins
    catalog.documents.upsert(collection, [Document("a", "x")])
    assert read_collection(catalog, "shop").origins == before != between


def test_a_collection_that_is_not_there_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CollectionNotFoundError, match="no collection 'shop'"):
        read_collection(catalog, "shop")


def test_a_folder_is_read_with_what_only_training_takes(folder: Path) -> None:
    raw = read_files([folder])
    assert raw.documents == (Document("d1", "one"),)
    assert raw.queries == (Query("q1", "first"),)
    assert raw.judgments == (Judgment("q1", "d1", 2, "train"),)
    assert raw.triplets == (Triplet("q", "p", "n"),)
    assert raw.scored == (ScoredPair("q", "p", 1.0),)


def test_every_bad_row_is_named_with_its_file_and_line(folder: Path) -> None:
    raw = read_files([folder])
    assert len(raw.rejected) == 2
    assert raw.rejected[0].startswith(f"{folder}/corpus.jsonl:2: document d2: text is empty")
    assert raw.rejected[1].startswith(f'{folder}/qrels/train.tsv:3: score is "high"')


def test_every_file_is_an_origin_with_its_hash_and_rows(folder: Path) -> None:
    origins = {Path(origin.name).name: origin for origin in read_files([folder]).origins}
    assert origins.keys() == {
        "corpus.jsonl", "queries.jsonl", "train.tsv", "triplets.jsonl", "scores.jsonl",
    }  # fmt: skip
    assert (origins["corpus.jsonl"].rows, origins["corpus.jsonl"].rejected) == (1, 1)
    assert all(len(origin.sha256) == 64 for origin in origins.values())


def test_a_folder_of_triplets_alone_is_read(tmp_path: Path) -> None:
    row = '{"query": "q", "positive": "p", "negative": "n"}\n'
    (tmp_path / "triplets.jsonl").write_text(row)
    assert read_files([tmp_path]).triplets == (Triplet("q", "p", "n"),)


def test_files_of_a_folder_under_the_names_that_trainers_give_are_read(tmp_path: Path) -> None:
    (tmp_path / "my-triplets.csv").write_text("anchor,positive,negative,note\nq,p,n,x\n")
    (tmp_path / "dev.jsonl").write_text('{"query": "r", "positive": "b"}\n')
    (tmp_path / "train.jsonl").write_text('{"question": "q", "answer": "a", "neg": ["n"]}\n')
    raw = read_files([tmp_path])
    assert raw.triplets == (Triplet("q", "p", "n"), Triplet("q", "a", "n", split="train"))
    assert raw.pairs == (Pair("r", "b", split="dev"),)
    (said,) = raw.remarks
    assert said.endswith('my-triplets.csv: 1 row: the column "note" is not kept')


def test_single_files_of_any_kind_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "docs.csv").write_text("id,text\nd1,one\n")
    (tmp_path / "mine.csv").write_text("query,positive,negative\nq,p,n\n")
    (tmp_path / "queries.csv").write_text("id,text\nq1,first\n")
    (tmp_path / "qrels.csv").write_text("query_id,doc_id,grade\nq1,d1,1\n")
    (tmp_path / "more.csv").write_text("query,positive\nq,p\n")
    raw = read_files(sorted(tmp_path.iterdir()))
    kinds = (raw.documents, raw.queries, raw.judgments, raw.pairs, raw.triplets)
    assert [len(kind) for kind in kinds] == [1, 1, 1, 1, 1]


def test_texts_of_queries_beside_judgments_are_read_as_an_import_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("query_id,doc_id,query,grade\nq1,d1,rain shoes,1\nq1,d2,rain shoes,0\n")
    raw = read_files([path])
    assert raw.queries == (Query("q1", "rain shoes"),)
    assert [(one.doc_id, one.grade) for one in raw.judgments] == [("d1", 1), ("d2", 0)]
    assert [origin.rows for origin in raw.origins] == [2]


def test_no_paths_are_no_data() -> None:
    assert read_files([]) == RawData()


def test_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_files([tmp_path / "nowhere.csv"])


@pytest.mark.parametrize("what", ["document", "query"])
def test_an_id_with_different_texts_in_two_sources_is_refused(what: str) -> None:
    ours = RawData(documents=(Document("x", "boots"),), queries=(Query("x", "boots"),))
    other = (
        RawData(documents=(Document("x", "shoes"),))
        if what == "document"
        else RawData(queries=(Query("x", "shoes"),))
    )
    with pytest.raises(DataError, match=f"the {what} id 'x' stands for 'boots' in one"):
        combine(ours, other)


def test_no_source_between_hides_that_two_disagree() -> None:
    first, other = (RawData(queries=(Query("x", text),)) for text in ("boots", "shoes"))
    with pytest.raises(DataError, match="the query id 'x'"):
        combine(first, RawData(queries=(Query("y", "hats"),)), other)


def test_sources_with_the_same_texts_are_put_together() -> None:
    raw = three_splits()
    both = combine(raw, raw)
    assert both.judgments == raw.judgments * 2
    assert both.documents == raw.documents * 2


def test_a_file_of_mostly_bad_rows_is_refused(folder: Path) -> None:
    raw = read_files([folder])
    with pytest.raises(DataError, match=r"corpus\.jsonl: 1 of 2 rows are bad(.|\n)*corpus.*:2: "):
        check_rejected(raw, DataConfig())
    check_rejected(raw, DataConfig(max_rejected_share=0.5))
