"""What is exported is imported again with nothing different."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.fields import is_blank
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.rows.exporting import reading_records
from molt.index.files import open_source
from molt.index.files.export import write_folder
from tests.cli.conftest import Molt

CHARS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(CHARS, min_size=1, max_size=12).filter(lambda text: not is_blank(text))
IDS = st.one_of(
    st.sampled_from(["1.0", "007", "1e5", "nan", "a b", " a", "NULL", '"q"', "https://x.org/?a=b"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6),
    st.integers(0, 99).map(str),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(CHARS, max_size=5),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
KEYS = st.text(CHARS, max_size=4)
METADATA = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=2), st.dictionaries(KEYS, inner, max_size=2)
        ),
        max_leaves=4,
    ),
    max_size=3,
)
DOCUMENTS = st.builds(
    Document, id=IDS, text=TEXTS, title=st.one_of(st.just(""), TEXTS), metadata=METADATA
)
QUERIES = st.builds(Query, id=IDS, text=TEXTS, metadata=METADATA)
SPLITS = st.sampled_from([None, "train", "test", "dev", "all", "a/../b", "1.0"])
JUDGMENTS = st.builds(Judgment, query_id=IDS, doc_id=IDS, grade=st.integers(0, 100), split=SPLITS)
PAIRS = st.builds(
    Pair,
    query=TEXTS,
    positive=TEXTS,
    doc_id=st.none() | IDS,
    split=st.sampled_from([None, "train", "fold1"]),
).flatmap(
    lambda pair: st.one_of(
        st.just(pair),
        TEXTS.map(lambda text: replace(pair, negative=text)),
        st.floats(0, 1).map(lambda score: replace(pair, score=score)),
    )
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with closing(open_catalog(home_url(tmp_path_factory.mktemp("home")))) as catalog:
        yield catalog


def contents(catalog: Catalog, name: str) -> str:
    """In words, in which 1, 1.0 and true differ."""
    with reading_records(catalog.database, name) as records:
        found = [records.documents(), records.queries(), records.judgments(), records.pairs()]
        return repr([list(each) for each in found])


@settings(max_examples=50)
@given(
    documents=st.lists(DOCUMENTS, max_size=4, unique_by=lambda one: one.id),
    queries=st.lists(QUERIES, max_size=3, unique_by=lambda one: one.id),
    judgments=st.lists(JUDGMENTS, max_size=4),
    pairs=st.lists(PAIRS, max_size=2),
    suffix=st.sampled_from([".jsonl", ".jsonl.gz"]),
)
def test_whatever_a_collection_holds_comes_back_from_its_folder(
    *,
    catalog: Catalog,
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[Document],
    queries: list[Query],
    judgments: list[Judgment],
    pairs: list[Pair],
    suffix: str,
) -> None:
    assume(documents or queries or judgments or pairs)
    folder = tmp_path_factory.mktemp("exported")
    first, second = (catalog.collections.create(f"c{uuid4().hex}") for _ in range(2))
    catalog.documents.upsert(first, documents)
    catalog.judgments.put(first, queries=queries, judgments=judgments, pairs=pairs)
    with reading_records(catalog.database, first.name) as records:
        write_folder(records, folder, suffix=suffix)
    source = open_source(folder)
    catalog.documents.upsert(second, list(source.documents()))
    catalog.judgments.put(
        second,
        queries=list(source.queries()),
        judgments=list(source.judgments()),
        pairs=list(source.pairs()),
    )
    assert contents(catalog, second.name) == contents(catalog, first.name)


@pytest.fixture
def books(molt: Molt, home: Path) -> Molt:
    """Runs a command over a home with documents and judgments in the collection `books`."""
    molt("collections", "create", "books")
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("books")
        catalog.documents.upsert(collection, [Document("b1", "one", metadata={"n": 1})])
        judgments = [Judgment("q1", "b1", 2, "test"), Judgment("q1", "b2", 0, "train")]
        catalog.judgments.put(collection, queries=[Query("q1", "which?")], judgments=judgments)
    return molt


def test_a_folder_has_the_beir_layout(books: Molt, tmp_path: Path) -> None:
    done = books("--json", "export", "books", str(tmp_path / "out"))
    assert done.value == {
        "path": str(tmp_path / "out"), "documents": 1, "queries": 1, "judgments": 2, "pairs": 0
    }  # fmt: skip
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert files == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "qrels/train.tsv"}
    qrels = (tmp_path / "out" / "qrels" / "test.tsv").read_text()
    assert qrels == "query-id\tcorpus-id\tscore\nq1\tb1\t2\n"
    assert json.loads((tmp_path / "out" / "corpus.jsonl").read_text()) == {
        "_id": "b1", "title": "", "text": "one", "metadata": {"n": 1}
    }  # fmt: skip


def test_a_folder_that_is_there_is_not_written_to(books: Molt, tmp_path: Path) -> None:
    done = books("export", "books", str(tmp_path))
    assert (done.status, "exists already" in done.stderr) == (1, True)
    assert list(tmp_path.glob(".*")) == []


def test_a_file_has_the_documents_alone_compressed_by_its_name(books: Molt, tmp_path: Path) -> None:
    for name in ("out.jsonl", "out.jsonl.gz", "again.jsonl.gz"):
        assert books("export", "books", str(tmp_path / name)).status == 0
    plain = (tmp_path / "out.jsonl").read_bytes()
    packed = (tmp_path / "out.jsonl.gz").read_bytes()
    assert gzip.decompress(packed) == plain
    assert packed == (tmp_path / "again.jsonl.gz").read_bytes()
    assert books("export", "books", "-").stdout.encode() == plain
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_cannot_be_exported_leaves_nothing_behind(books: Molt, tmp_path: Path) -> None:
    done = books("export", "nowhere", str(tmp_path / "out"))
    assert (done.status, "no collection 'nowhere'" in done.stderr) == (1, True)
    assert not (tmp_path / "out").exists()


def test_an_export_says_that_it_does_not_hold_by_which_field_documents_expire(
    molt: Molt, tmp_path: Path
) -> None:
    molt("collections", "create", "shop", "--expiry-field", "until")
    done = molt("export", "shop", str(tmp_path / "shop"))
    assert done.status == 0
    assert "`molt collections set NAME --expiry-field until`" in done.stderr
