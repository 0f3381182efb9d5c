import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.learnt import CLICKS, is_learnt, learnt_query_id
from molt.index.catalog.judging.pages import Selection
from molt.index.catalog.judgments import Judgment, Query
from molt.index.errors import InvalidJudgmentError

MINE = learnt_query_id(CLICKS, "warm boots")
PEOPLE = [Judgment("clicks-1", "d1", 3), Judgment("q1", "d1", 1)]


def learn(catalog: Catalog, collection: Collection, *grades: int) -> int:
    judgments = [Judgment(MINE, f"d{at}", grade, "train") for at, grade in enumerate(grades)]
    return catalog.learnt.replace(
        collection, CLICKS, queries=[Query(MINE, "warm boots")], judgments=judgments
    )


def test_one_text_is_one_query_whatever_its_capitals_and_blanks() -> None:
    assert learnt_query_id(CLICKS, " Warm  BOOTS") == MINE
    assert learnt_query_id(CLICKS, "warm socks") != MINE
    assert is_learnt(MINE)
    assert not is_learnt("clicks-1")


def test_what_was_learnt_before_is_replaced_and_what_people_said_stays(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.judgments.put(
        catalog_collection, queries=[Query("clicks-1", "boots")], judgments=PEOPLE
    )
    assert learn(catalog, catalog_collection, 1, 0, 2) == 0
    assert learn(catalog, catalog_collection, 3) == 3
    kept = [*PEOPLE, Judgment(MINE, "d0", 3, "train")]
    assert catalog.judgments.graded(catalog_collection) == sorted(
        kept, key=lambda one: (one.query_id, one.doc_id)
    )
    assert [one.id for one in catalog.judgments.queries(catalog_collection)] == ["clicks-1", MINE]


def test_judgments_are_chosen_by_their_source(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.judgments.put(catalog_collection, judgments=PEOPLE)
    learn(catalog, catalog_collection, 1, 2)
    chosen = Selection(source=CLICKS)
    assert not chosen.is_all
    found = catalog.judged.judgments(catalog_collection, chosen, limit=9)
    assert [one.grade for one in found] == [1, 2]
    other = Selection(source="click_")  # no wildcard
    assert catalog.judged.judgments(catalog_collection, other, limit=9) == []
    assert catalog.judged.delete_judgments(catalog_collection, chosen) == 2
    assert len(catalog.judgments.graded(catalog_collection)) == 2


def test_what_cannot_be_kept_changes_nothing(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    learn(catalog, catalog_collection, 1)
    with pytest.raises(InvalidJudgmentError):
        learn(catalog, catalog_collection, 101)
    assert len(catalog.judgments.graded(catalog_collection)) == 1
