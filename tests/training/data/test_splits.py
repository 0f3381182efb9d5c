from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from molt.index.catalog.document import Document
from molt.index.catalog.judging.learnt import CLICKS, is_learnt, learnt_query_id
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.training.data.cleaning.clean import clean_raw
from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.judged_pairs import judge_by_pairs
from molt.training.data.cleaning.text import text_key, word_set
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Split
from molt.training.data.prepare import prepare
from molt.training.data.raw import RawData, ScoredPair, Triplet
from molt.training.data.splits import Splits, draw_split, split_queries
from molt.training.errors import DataError
from tests.training.data.raws import many_queries, three_splits

CONFIG = DataConfig()


def split(raw: RawData, config: DataConfig = CONFIG) -> tuple[Splits, Findings]:
    findings = Findings()
    clean = clean_raw(raw, config=config, findings=findings)
    judged = clean if raw.judgments else judge_by_pairs(clean, findings=findings)
    return split_queries(judged, config=config, findings=findings), findings


def ids(splits: Splits) -> Mapping[str, list[str]]:
    return {name: list(part.queries) for name, part in vars(splits).items()}


def with_query(raw: RawData, text: str, split: str | None, *, doc_id: str = "d0") -> RawData:
    return replace(
        raw,
        queries=(*raw.queries, Query("x", text)),
        judgments=(*raw.judgments, Judgment("x", doc_id, 1, split)),
    )


def reasons(findings: Findings) -> dict[tuple[str, str], int]:
    return {(one.what, one.why): one.count for one in findings.dropped}


def test_judgments_stay_in_the_split_that_they_name() -> None:
    splits, findings = split(three_splits())
    assert ids(splits) == {
        "train": ["q0", "q1", "q2", "q3"], "dev": ["q4", "q5", "q6"], "test": ["q7", "q8", "q9"],
    }  # fmt: skip
    assert splits.test.qrels == {"q7": {"d7": 1}, "q8": {"d8": 1}, "q9": {"d9": 1}}
    assert findings.dropped == findings.changed == ()


def test_queries_without_a_split_are_drawn_by_their_shares() -> None:
    splits, _ = split(many_queries(2000))
    assert len(splits.test.queries) / 2000 == pytest.approx(0.2, abs=0.03)
    assert len(splits.dev.queries) / 2000 == pytest.approx(0.1, abs=0.03)


def test_a_draw_depends_on_nothing_but_the_query_and_the_seed() -> None:
    few, many = (ids(split(many_queries(count))[0]) for count in (100, 200))
    assert set(few["test"]) <= set(many["test"])
    assert set(few["dev"]) <= set(many["dev"])
    other = ids(split(many_queries(100), DataConfig(split_seed=1))[0])
    assert other["test"] != few["test"]


def test_equal_queries_are_drawn_together() -> None:
    raw = many_queries()
    echoes = tuple(Query(f"e{query.id}", query.text.upper()) for query in raw.queries)
    judged = tuple(replace(one, query_id=f"e{one.query_id}") for one in raw.judgments)
    both = replace(raw, queries=raw.queries + echoes, judgments=raw.judgments + judged)
    splits, findings = split(both)
    for query_id in splits.test.queries:
        assert query_id.removeprefix("e") in splits.test.queries
    assert ("queries of train", "the same as a query of test") not in reasons(findings)


@pytest.mark.parametrize("missing", ["dev", "test"])
def test_a_missing_split_is_carved_out_of_train(missing: str) -> None:
    raw = many_queries()
    kept = {"dev": "test", "test": "dev"}[missing]
    judgments = [
        replace(one, split=kept if at < 10 else "train") for at, one in enumerate(raw.judgments)
    ]
    splits, findings = split(replace(raw, judgments=tuple(judgments)))
    carved, named = (vars(splits)[name] for name in (missing, kept))
    assert 0 < len(carved.queries) < 40
    assert list(named.queries) == [f"q{at:03}" for at in range(10)]
    (found,) = findings.changed
    assert found.why == f"moved from train to {missing}, which no judgment names"
    assert found.count == len(carved.queries)


def test_queries_that_name_no_split_take_none_from_one_that_is_carved() -> None:
    raw = many_queries(250)
    judgments = [
        replace(one, split="train" if at < 200 else None) for at, one in enumerate(raw.judgments)
    ]
    few, many = (
        ids(split(replace(raw, judgments=tuple(judgments[:count])))[0]) for count in (200, 250)
    )
    for name in ("dev", "test"):
        assert few[name]
        assert set(few[name]) <= set(many[name])


def test_a_query_in_all_splits_stays_in_test_alone() -> None:
    raw = three_splits()
    everywhere = [Judgment("q7", "d0", 1, "train"), Judgment("q7", "d1", 1, "dev")]
    splits, findings = split(replace(raw, judgments=(*raw.judgments, *everywhere)))
    assert splits.test == split(raw)[0].test
    assert "q7" not in {*splits.train.queries, *splits.dev.queries}
    assert reasons(findings) == {
        ("queries of dev", "the same as a query of test"): 1,
        ("queries of train", "the same as a query of test"): 1,
    }


def test_every_query_in_all_splits_leaves_nothing_to_learn_from() -> None:
    raw = three_splits()
    judgments = [replace(one, split=name) for one in raw.judgments for name in SplitName]
    with pytest.raises(DataError, match=r"no query is left for train; bring .* 10 in test"):
        split(replace(raw, judgments=tuple(judgments)))


LONG = "how do we keep the warm water of an old garden pond clean in winter"


@pytest.mark.parametrize("giving", ["train", "dev"])
@pytest.mark.parametrize("text", [LONG.upper(), LONG + " please", LONG.replace("warm ", "")])
def test_what_is_near_a_query_of_test_gives_way(giving: str, text: str) -> None:
    raw = three_splits()
    queries = (*raw.queries[:9], Query("q9", LONG))
    splits, findings = split(with_query(replace(raw, queries=queries), text, giving))
    assert "q9" in splits.test.queries
    assert "x" not in vars(splits)[giving].queries
    ((what, why),) = reasons(findings)
    assert what == f"queries of {giving}"
    assert why.endswith("the same as a query of test")


def test_train_gives_way_to_dev() -> None:
    splits, findings = split(with_query(three_splits(), "What is ember?", "train"))
    assert "x" not in splits.train.queries
    assert list(splits.dev.queries) == ["q4", "q5", "q6"]
    assert reasons(findings) == {("queries of train", "nearly the same as a query of dev"): 1}


def test_test_is_the_same_whatever_train_holds() -> None:
    raw = with_query(three_splits(), "What is hazel", "train")
    assert split(raw)[0].test == split(three_splits())[0].test


@pytest.mark.parametrize("name", ["dev", "test"])
def test_a_judgment_without_a_split_changes_no_query_of_dev_and_test(name: str) -> None:
    raw = three_splits()
    query_id = {"dev": "q4", "test": "q7"}[name]
    loose = Judgment(query_id, "d0", 1)
    splits, findings = split(replace(raw, judgments=(*raw.judgments, loose)))
    assert vars(splits) == vars(split(raw)[0])
    why = f"names no split, and its query is in {name}, which stays as it is"
    assert reasons(findings) == {("judgments", why): 1}


def test_a_judgment_without_a_split_joins_its_query_in_train() -> None:
    raw = three_splits()
    splits, _ = split(replace(raw, judgments=(*raw.judgments, Judgment("q0", "d5", 0))))
    assert splits.train.qrels["q0"] == {"d0": 1, "d5": 0}


def test_equal_queries_of_train_become_one_with_the_highest_grades() -> None:
    raw = three_splits()
    more = with_query(raw, "WHAT is amber", "train", doc_id="d5")
    more = replace(more, judgments=(*more.judgments, Judgment("x", "d0", 3, "train")))
    splits, findings = split(more)
    assert splits.train.qrels["q0"] == {"d0": 3, "d5": 1}
    assert "x" not in splits.train.queries
    assert reasons(findings) == {
        ("judgments", "another one of an equal query has a higher grade"): 1,
        ("queries of train", "the same as another one; merged with it"): 1,
    }


@pytest.mark.parametrize(("doc_id", "stays"), [("d0", False), ("d5", True)])
def test_a_near_duplicate_of_train_stays_where_it_has_an_answer_of_its_own(
    doc_id: str, *, stays: bool
) -> None:
    raw = three_splits()
    queries = (Query("q0", LONG), *raw.queries[1:])
    more = with_query(replace(raw, queries=queries), LONG + " please", "train", doc_id=doc_id)
    splits, findings = split(more)
    assert len(splits.train.queries) == 4 + stays
    assert bool(findings.dropped) != stays


def test_of_near_duplicates_in_train_the_one_with_more_judgments_stays() -> None:
    raw = three_splits()
    queries = (Query("q0", LONG), *raw.queries[1:])
    judgments = (*raw.judgments, Judgment("q0", "d5", 0, "train"))
    more = with_query(replace(raw, queries=queries, judgments=judgments), LONG + " please", "train")
    splits, findings = split(more)
    assert splits.train.qrels["q0"] == {"d0": 1, "d5": 0}
    assert "x" not in splits.train.queries
    why = "nearly the same as another one that has all of its judgments"
    assert reasons(findings) == {("queries of train", why): 1}


def test_queries_without_a_relevant_document_are_dropped() -> None:
    raw = three_splits()
    useless = with_query(raw, "what is nothing", "test", doc_id="gone")
    judged = Judgment("x", "d1", 0, "test")
    splits, findings = split(replace(useless, judgments=(*useless.judgments, judged)))
    assert "x" not in splits.test.queries
    assert reasons(findings)["queries", "no relevant document"] == 1


def test_queries_that_nobody_judged_are_counted() -> None:
    raw = three_splits()
    _, findings = split(replace(raw, queries=(*raw.queries, Query("x", "unjudged"))))
    assert reasons(findings) == {("queries", "not judged"): 1}


def test_grades_of_one_class_only_are_refused() -> None:
    raw = three_splits()
    zeros = tuple(replace(one, grade=0) for one in raw.judgments)
    with pytest.raises(DataError, match="all 10 judgments have grade 0"):
        split(replace(raw, judgments=zeros))


def test_nothing_known_about_relevance_is_refused() -> None:
    with pytest.raises(DataError, match=r"bring judgments of queries \(qrels\), or pairs"):
        split(RawData(documents=three_splits().documents))


def test_judgments_of_unknown_documents_alone_are_refused_with_their_number() -> None:
    with pytest.raises(
        DataError, match="Left out: 10 judgments of an unknown document, 10 queries"
    ):
        split(replace(three_splits(), documents=()))


@pytest.mark.parametrize("empty", ["train", "dev", "test"])
def test_a_split_that_stays_empty_is_refused(empty: str) -> None:
    raw = three_splits()
    moved = {"train": "test", "dev": "test", "test": "dev"}[empty]
    seed = next(
        seed
        for seed in range(1000)
        if SplitName(empty)
        not in {
            draw_split(f"what is {word}", config=DataConfig(split_seed=seed))
            for word in ("amber", "birch", "cedar", "daisy")
        }
    )
    judgments = [replace(one, split=moved) if one.split == empty else one for one in raw.judgments]
    with pytest.raises(DataError, match=f"no query is left for {empty}; bring"):
        split(replace(raw, judgments=tuple(judgments)), DataConfig(split_seed=seed))


def test_without_judgments_pairs_that_name_a_document_are_judged() -> None:
    named = tuple(Pair(f"word{at} term{at}", None, f"d{at % 10}") for at in range(100))
    again = Pair("WORD0 term0", None, "d5")
    raw = RawData(documents=three_splits().documents, pairs=(*named, again))
    splits, _ = split(raw)
    both = {
        tuple(grades.items())
        for part in vars(splits).values()
        for query_id, grades in part.qrels.items()
        if text_key(part.queries[query_id].text) == "word0 term0"
    }
    assert sum(len(part.queries) for part in vars(splits).values()) == 100
    assert both == {(("d0", 1), ("d5", 1))}


def test_without_judgments_texts_of_documents_are_judged_as_what_they_are() -> None:
    documents = (
        Document("d1", "a warm boot", title="Boot"),
        Document("d2", "a light tent"),
        Document("d3", "a sharp knife"),
    )
    raw = RawData(
        documents=documents,
        pairs=(Pair("which boot", "A warm  boot"), Pair("which hat", "no document's text")),
        triplets=(Triplet("which boot", "Boot a warm boot", "a light tent", split="dev"),),
    )
    judged = judge_by_pairs(
        clean_raw(raw, config=DataConfig(), findings=Findings()), findings=Findings()
    )
    assert [(one.doc_id, one.grade, one.split) for one in judged.judgments] == [
        ("d1", 1, None), ("d1", 1, "dev"), ("d2", 0, "dev")
    ]  # fmt: skip
    assert [pair.query for pair in judged.pairs] == ["which hat"]
    assert [query.text for query in judged.queries.values()] == ["which boot"]
    scored = replace(
        raw,
        triplets=(),
        scored=(ScoredPair("which", "a light tent", 0.5), ScoredPair("which", None, 0.9, "d3")),
    )
    judged = judge_by_pairs(
        clean_raw(scored, config=DataConfig(), findings=Findings()), findings=Findings()
    )
    assert sorted((one.doc_id, one.grade) for one in judged.judgments) == [
        ("d1", 4), ("d2", 2), ("d3", 4)
    ]  # fmt: skip


TEXTS = st.lists(st.sampled_from(["a", "B", "b", "c", "D", "é", "e\u0301"]), min_size=1, max_size=6)
JUDGED = st.tuples(
    TEXTS.map(" ".join),
    st.integers(0, 2),
    st.sampled_from(["train", "dev", "test", None]),
    st.integers(0, 4),
)


def near(left: str, right: str, threshold: float) -> bool:
    one, two = word_set(left), word_set(right)
    return len(one & two) >= threshold * len(one | two) - 1e-9


@given(st.lists(JUDGED, max_size=40), st.sampled_from([0.5, 0.75, 0.9, 1.0]))
def test_no_query_or_near_duplicate_of_one_is_in_two_splits(
    judged: list[tuple[str, int, str | None, int]], threshold: float
) -> None:
    raw = RawData(
        documents=tuple(Document(f"d{at}", f"text {at}") for at in range(5)),
        queries=tuple(Query(f"q{at}", text) for at, (text, *_) in enumerate(judged)),
        judgments=tuple(
            Judgment(f"q{at}", f"d{place}", grade, name)
            for at, (_, grade, name, place) in enumerate(judged)
        ),
    )
    try:
        splits, _ = split(raw, DataConfig(near_duplicate=threshold))
    except DataError:
        assume(False)  # noqa: FBT003
    parts = [keys(part) for part in (splits.train, splits.dev, splits.test)]
    for left, right in ((0, 1), (0, 2), (1, 2)):
        assert not any(near(one, two, threshold) for one in parts[left] for two in parts[right])
    named = {one.query_id for one in raw.judgments if one.split == "test" and one.grade}
    assert named <= splits.test.queries.keys()


def keys(part: Split) -> set[str]:
    return {text_key(query.text) for query in part.queries.values()}


def learnt(raw: RawData, count: int) -> RawData:
    """The data with as many queries more that were learnt from clicks."""
    texts = [f"asked{at} often{at}" for at in range(count)]
    names = [learnt_query_id(CLICKS, text) for text in texts]
    return replace(
        raw,
        queries=(*raw.queries, *map(Query, names, texts)),
        judgments=(*raw.judgments, *(Judgment(name, "d1", 2, "train") for name in names)),
    )


def test_what_was_learnt_from_clicks_is_held_out_only_where_nothing_else_is() -> None:
    for raw in (many_queries(), three_splits()):
        alone, both = ids(split(raw)[0]), ids(split(learnt(raw, 100))[0])
        assert (both["dev"], both["test"]) == (alone["dev"], alone["test"])
        assert len(both["train"]) == len(alone["train"]) + 100
    only = ids(split(learnt(RawData(documents=three_splits().documents), 100))[0])
    assert only["dev"]
    assert only["test"]


def test_beside_what_was_learnt_from_clicks_pairs_are_still_judged() -> None:
    pairs = tuple(Pair(f"word{at} term{at}", None, f"d{at % 10}") for at in range(100))
    raw = learnt(RawData(documents=three_splits().documents, pairs=pairs), 10)
    dataset, _ = prepare(raw, config=CONFIG)
    held = {**dataset.dev.queries, **dataset.test.queries}
    assert held
    assert not any(map(is_learnt, held))
    assert sum(map(is_learnt, dataset.train.queries)) == 10
