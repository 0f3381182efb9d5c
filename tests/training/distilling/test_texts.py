from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.encoder import Checkpoint
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Dataset
from molt.training.distilling.texts import Texts, read_texts, split_texts
from molt.training.errors import DataError
from tests.training.letters import write_letters

EXACT = DataConfig(near_duplicate=1.0)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(open_catalog(home_url(tmp_path))) as opened:
        yield opened


def test_of_judged_queries_only_those_of_train_are_learnt_from(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    write_letters(tmp_path, base=base, dataset=dataset)
    with closing(open_catalog(home_url(tmp_path))) as catalog:
        reading = read_texts(catalog, "letters", config=EXACT)
    assert set(reading.texts.queries) == {query.text for query in dataset.train.queries.values()}
    assert set(reading.texts.documents) == set(dataset.corpus.texts)
    assert reading.judged is not None
    assert len(reading.judged.dataset.test.queries) == len(dataset.test.queries)
    assert reading.reason is None


def test_without_judgments_every_text_is_learnt_from_and_the_reason_said(catalog: Catalog) -> None:
    collection = catalog.collections.create("plain")
    documents = [Document(f"d{at}", f"text {at // 2 * 2}") for at in range(60)]
    catalog.documents.upsert(collection, documents)
    catalog.judgments.put(collection, queries=[Query("q", "what text")])
    reading = read_texts(catalog, "plain", config=EXACT)
    assert reading.judged is None
    assert "nothing is known about relevance" in str(reading.reason)
    assert reading.texts.queries == ("what text",)
    assert len(reading.texts.documents) == 30


def test_too_few_documents_are_an_error(catalog: Catalog) -> None:
    collection = catalog.collections.create("few")
    catalog.documents.upsert(collection, [Document(f"d{at}", f"{at}") for at in range(19)])
    with pytest.raises(DataError, match="there are 19 documents to learn from; bring 20"):
        read_texts(catalog, "few", config=EXACT)


TEXTS = Texts(tuple(f"q{at}" for at in range(300)), tuple(f"d{at}" for at in range(900)))


def test_no_text_is_both_learnt_from_and_held_out() -> None:
    learnt, held_out = split_texts(TEXTS, limit=10_000, seed=0)
    assert (len(held_out.queries), len(held_out.documents)) == (15, 45)
    assert sorted(learnt.queries + held_out.queries) == sorted(TEXTS.queries)
    assert sorted(learnt.documents + held_out.documents) == sorted(TEXTS.documents)


def test_a_sample_depends_on_its_seed_and_queries_take_half_of_it_at_most() -> None:
    learnt, held_out = split_texts(TEXTS, limit=400, seed=0)
    assert len(learnt.queries + held_out.queries) == 200
    assert len(learnt.documents + held_out.documents) == 200
    assert split_texts(TEXTS, limit=400, seed=0) == (learnt, held_out)
    assert split_texts(TEXTS, limit=400, seed=1)[0] != learnt


def test_of_few_documents_five_are_held_out() -> None:
    few = Texts((), TEXTS.documents[:20])
    learnt, held_out = split_texts(few, limit=1000, seed=0)
    assert (len(learnt.documents), len(held_out.documents)) == (15, 5)
