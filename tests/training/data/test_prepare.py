import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.catalog.document import Document
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.files import SourceError
from molt.training.data.card_text import render_card
from molt.training.data.config import DataConfig
from molt.training.data.prepare import prepare
from molt.training.data.raw import RawData, ScoredPair, Triplet, join
from molt.training.data.sources import read_files
from molt.training.errors import DataError
from tests.paths import SHARED
from tests.training.data.raws import many_queries, three_splits

CONFIG = DataConfig()


def digest(raw: RawData, config: DataConfig = CONFIG) -> str:
    return prepare(raw, config=config)[0].digest


def test_equal_content_in_another_order_has_an_equal_digest() -> None:
    raw = replace(many_queries(), pairs=(Pair("a", "b"), Pair("c", "d")))
    shuffled = {
        name: tuple(random.Random(0).sample(rows, len(rows))) for name, rows in vars(raw).items()
    }
    assert digest(RawData(**shuffled)) == digest(raw)


@pytest.mark.parametrize(
    "other",
    [
        {"documents": (*three_splits().documents, Document("x", "more"))},
        {"documents": (replace(three_splits().documents[0], metadata={"a": 1}),
                       *three_splits().documents[1:])},
        {"queries": (Query("q0", "other"), *three_splits().queries[1:])},
        {"judgments": (replace(three_splits().judgments[0], grade=2),
                       *three_splits().judgments[1:])},
        {"judgments": (*three_splits().judgments, Judgment("q9", "d0", 0, "test"))},
        {"pairs": (Pair("a", "b"),)},
        {"triplets": (Triplet("a", "b", "c"),)},
        {"scored": (ScoredPair("a", "b", 1.0), ScoredPair("a", "c", 0.5))},
    ],
)  # fmt: skip
def test_other_content_has_another_digest(other: dict[str, tuple[object, ...]]) -> None:
    raw = three_splits()
    assert digest(replace(raw, **other)) != digest(raw)  # type: ignore[arg-type]


def test_who_measures_needs_no_other_split_than_the_one_that_is_measured() -> None:
    raw = three_splits()
    tests = tuple(replace(one, split="test") for one in raw.judgments)
    dataset, card = prepare(replace(raw, judgments=tests), config=CONFIG, wanted=[SplitName.TEST])
    assert [len(one.queries) for one in (dataset.train, dataset.dev, dataset.test)] == [0, 0, 10]
    assert dataset.tasks == ()
    assert "0 queries of train" in render_card(card.to_json())
    with pytest.raises(
        DataError, match=r"left for dev; .* split is dev .* 0 in train, 0 in dev, 10"
    ):
        prepare(replace(raw, judgments=tests), config=CONFIG, wanted=[SplitName.DEV])


def test_what_is_measured_is_the_same_whatever_else_is_wanted() -> None:
    alone = prepare(three_splits(), config=CONFIG, wanted=[SplitName.TEST])[0]
    assert alone == prepare(three_splits(), config=CONFIG)[0]


def test_too_many_bad_rows_are_refused_before_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "text": "x"}\n{bad\n')
    with pytest.raises(DataError, match=r"docs\.jsonl: 1 of 2 rows are bad"):
        prepare(read_files([path]), config=CONFIG)


def test_wrong_columns_are_refused_with_the_right_ones(tmp_path: Path) -> None:
    path = tmp_path / "docs.csv"
    path.write_text("price,stock\n1,2\n")
    with pytest.raises(SourceError, match="no column is known to hold the text"):
        prepare(read_files([path]), config=CONFIG)


def test_a_query_of_a_million_characters_is_cut() -> None:
    raw = three_splits()
    monster = Query("q0", "".join(f"w{at} " for at in range(200_000)))
    dataset, card = prepare(replace(raw, queries=(monster, *raw.queries[1:])), config=CONFIG)
    assert 19_000 < len(dataset.train.queries["q0"].text) <= 20_000
    assert [(one.what, one.count) for one in card.changed] == [("queries", 1)]


def test_emoji_and_text_from_right_to_left_reach_the_tasks_unharmed() -> None:
    raw = three_splits()
    document = Document("d0", "שלום עולם 👩‍👩‍👧 \u202bمرحبا\u202c")  # noqa: RUF001
    query = Query("q0", "🦊❓ ما هو")
    dataset, _ = prepare(
        replace(raw, documents=(document, *raw.documents[1:]), queries=(query, *raw.queries[1:])),
        config=CONFIG,
    )
    example = dataset.tasks[0].examples[0]
    assert (example.query, example.document) == (query.text, document.text)


CHARACTERS = st.characters() | st.sampled_from("\ud800\x00\x1b\u200b\u202e\u0301 ")
WILD = st.text(CHARACTERS, max_size=12)
QUERY_IDS = st.sampled_from([f"q{at}" for at in range(14)])
DOC_IDS = st.sampled_from([f"d{at}" for at in range(14)])
SPLITS = st.none() | st.sampled_from(["train", "dev", "test", "valid", "fold"])


def some(record: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(record, max_size=6).map(tuple)


@given(
    st.builds(
        RawData,
        documents=some(st.builds(Document, DOC_IDS, WILD)),
        queries=some(st.builds(Query, QUERY_IDS, WILD)),
        judgments=some(st.builds(Judgment, QUERY_IDS, DOC_IDS, st.integers(0, 3), SPLITS)),
        pairs=some(st.builds(Pair, WILD, st.none() | WILD, st.none() | DOC_IDS)),
        triplets=some(st.builds(Triplet, WILD, WILD, WILD)),
        scored=some(st.builds(ScoredPair, WILD, WILD, st.floats(0, 1))),
    )
)
def test_whatever_comes_with_good_data_is_taken_or_counted(wild: RawData) -> None:
    dataset, card = prepare(join(three_splits(), wild), config=CONFIG)
    for split in (dataset.train, dataset.dev, dataset.test):
        assert all(any(split.qrels[query_id].values()) for query_id in split.queries)
    for task in dataset.tasks:
        assert all(one.query and one.document and one.weight > 0 for one in task.examples)
    json.dumps(card.to_json(), allow_nan=False).encode()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "train", "dev", "test"),
    [
        ("chorus_icecat", 76, 18, 22),
        ("cranfield", 129, 63, 33),
        ("devops_se", 1943, 621, 657),
        ("medquad", 8332, 2951, 3091),
        ("scitldr", 1984, 1452, 1967),
    ],
)
def test_a_real_corpus_is_prepared(name: str, train: int, dev: int, test: int) -> None:
    if not SHARED.is_dir():
        pytest.skip("the real corpora are not beside the project (`../shared/data`)")
    dataset, card = prepare(read_files([SHARED / name]), config=CONFIG)
    sizes = [len(split.queries) for split in (dataset.train, dataset.dev, dataset.test)]
    assert sizes == [train, dev, test]
    assert card.rejected == ()
