from dataclasses import replace

import pytest

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.training.data.cleaning.clean import CleanData, clean_raw
from molt.training.data.cleaning.findings import Finding, Findings
from molt.training.data.config import DataConfig
from molt.training.data.raw import RawData, ScoredPair, Triplet
from tests.training.data.raws import three_splits


def clean(raw: RawData) -> tuple[CleanData, Findings]:
    findings = Findings()
    return clean_raw(raw, config=DataConfig(max_characters=200), findings=findings), findings


def dropped(findings: Findings) -> dict[tuple[str, str], int]:
    return {(one.what, one.why): one.count for one in findings.dropped}


def changed(findings: Findings) -> dict[tuple[str, str], int]:
    return {(one.what, one.why): one.count for one in findings.changed}


def test_clean_data_passes_unchanged() -> None:
    raw = three_splits()
    data, findings = clean(raw)
    assert data.corpus.documents == raw.documents
    assert data.judgments == raw.judgments
    assert findings.dropped == findings.changed == ()


def test_the_text_of_a_document_is_its_clean_passage() -> None:
    document = Document("d", "is\tred ", title=" The  Rose", metadata={"k": 1})
    data, _ = clean(RawData(documents=(document,)))
    assert data.corpus.texts == ("The Rose is red",)
    assert data.corpus.documents == (document,)


def test_a_text_of_a_million_characters_is_cut_and_counted() -> None:
    raw = replace(three_splits(), documents=(Document("d", "long " * 200_000),))
    data, findings = clean(raw)
    assert len(data.corpus.texts[0]) <= 200
    assert changed(findings)["documents", "cut to 200 characters"] == 1


def test_texts_without_anything_to_read_are_dropped() -> None:
    raw = RawData(
        documents=(Document("d", "\x01\x02"),),
        queries=(Query("q", "\u200b"),),
        pairs=(Pair("\x07", "p"), Pair("q", "\x07")),
        triplets=(Triplet("q", "p", "\u200e"),),
        scored=(ScoredPair("\n", "p", 1.0),),
    )
    data, findings = clean(raw)
    records = (data.corpus.texts, data.queries, data.pairs, data.triplets, data.scored)
    assert not any(records)
    assert dropped(findings) == {
        ("documents", "the text is empty"): 1,
        ("queries", "the text is empty"): 1,
        ("pairs", "a text is empty"): 2,
        ("triplets", "a text is empty"): 1,
        ("scores", "a text is empty"): 1,
    }


def test_judgments_of_unknown_queries_and_documents_are_dropped_with_five_examples() -> None:
    raw = three_splits()
    strays = [Judgment(f"x{at}", "d0", 1) for at in range(7)] + [Judgment("q0", "y", 1)]
    data, findings = clean(replace(raw, judgments=(*raw.judgments, *strays)))
    assert data.judgments == raw.judgments
    assert findings.dropped == (
        Finding("judgments", "of an unknown document", 1, ("y",)),
        Finding("judgments", "of an unknown query", 7, ("x0", "x1", "x2", "x3", "x4")),
    )


@pytest.mark.parametrize("grades", [(0, 2), (2, 0)])
def test_of_conflicting_grades_the_highest_stays(grades: tuple[int, int]) -> None:
    raw = three_splits()
    both = tuple(Judgment("q0", "d0", grade, "train") for grade in grades)
    data, findings = clean(replace(raw, judgments=(*both, *raw.judgments[1:])))
    assert data.judgments[0] == Judgment("q0", "d0", 2, "train")
    (found,) = findings.dropped
    assert (found.why, found.examples) == (
        "another one has a higher grade",
        ("d0 for q0: 0 and 2",),
    )


def test_records_that_come_twice_are_kept_once() -> None:
    raw = three_splits()
    pairs, triplets = (Pair("a", "b"),), (Triplet("a", "b", "c"),)
    scored = (ScoredPair("a", "b", 0.5),)
    one = replace(raw, pairs=pairs, triplets=triplets, scored=scored)
    two = replace(
        one,
        documents=raw.documents * 2,
        queries=raw.queries * 2,
        judgments=raw.judgments * 2,
        pairs=pairs * 2,
        triplets=triplets * 2,
        scored=scored * 2,
    )
    data, findings = clean(two)
    assert data == clean(one)[0]
    assert dropped(findings) == {
        ("documents", "came twice"): 10,
        ("queries", "came twice"): 10,
        ("judgments", "came twice"): 10,
        ("pairs", "came twice"): 1,
        ("triplets", "came twice"): 1,
        ("scores", "came twice"): 1,
    }


def test_of_two_records_with_one_id_the_later_one_stays_as_in_an_import() -> None:
    data, findings = clean(RawData(documents=(Document("d", "old"), Document("d", "new"))))
    assert data.corpus.texts == ("new",)
    assert dropped(findings) == {("documents", "replaced by a later one of the same id"): 1}


def test_the_order_of_rows_makes_no_difference() -> None:
    raw = three_splits()
    backwards = RawData(raw.documents[::-1], raw.queries[::-1], raw.judgments[::-1])
    assert clean(backwards)[0] == clean(raw)[0]


def test_documents_of_equal_text_both_stay_and_are_counted() -> None:
    data, findings = clean(RawData(documents=(Document("a", "x"), Document("b", " x "))))
    assert data.corpus.texts == ("x", "x")
    (found,) = findings.changed
    assert (found.count, found.examples) == (1, ("b as a",))


@pytest.mark.parametrize(
    ("given", "read"),
    [("train", "train"), ("validation", "dev"), ("Valid", "dev"), ("val", "dev"), ("fold", None)],
)
def test_a_split_may_be_called_by_its_other_names(given: str, read: str | None) -> None:
    raw = replace(three_splits(), judgments=(Judgment("q0", "d0", 1, given),))
    data, findings = clean(raw)
    assert data.judgments[0].split == read
    assert bool(findings.changed) == (read is None)


def test_a_pair_of_an_unknown_document_is_learnt_from_only_with_a_text() -> None:
    raw = replace(three_splits(), pairs=(Pair("q", None, "x"), Pair("q", "text", "x")))
    data, findings = clean(raw)
    assert data.pairs == (Pair("q", "text", None),)
    assert dropped(findings) == {("pairs", "of an unknown document"): 1}
    assert changed(findings) == {("pairs", "the document is unknown; its text is learnt from"): 1}


def test_triplets_and_scores_that_name_a_document_take_its_text() -> None:
    raw = replace(
        three_splits(),
        triplets=(Triplet("q", None, "n", "d0"), Triplet("q", None, "n", "x")),
        scored=(ScoredPair("q", None, 0.5, "d0"), ScoredPair("q", None, 0.5, "x")),
    )
    data, findings = clean(raw)
    assert data.triplets == (Triplet("q", "all about amber", "n", "d0"),)
    assert data.scored == (ScoredPair("q", "all about amber", 0.5, "d0"),)
    assert dropped(findings) == {
        ("triplets", "of an unknown document"): 1, ("scores", "of an unknown document"): 1
    }  # fmt: skip


def test_a_pair_of_a_split_that_there_is_not_is_taken_as_without_one() -> None:
    data, findings = clean(RawData(pairs=(Pair("q", "p", split="fold1"),)))
    assert data.pairs == (Pair("q", "p"),)
    assert changed(findings) == {("pairs", "'fold1' names no split; taken as without one"): 1}


def test_of_conflicting_scores_the_highest_stays() -> None:
    raw = RawData(scored=(ScoredPair("a", "b", 0.1), ScoredPair("a", "b ", 0.9)))
    data, findings = clean(raw)
    assert data.scored == (ScoredPair("a", "b", 0.9),)
    assert dropped(findings) == {("scores", "another one has a higher score"): 1}
