from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest

from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment
from molt.index.catalog.releases import Reason
from molt.index.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    InvalidNameError,
    StalePointerError,
)
from molt.index.ranking.fusion import RECIPROCAL_RANKS, Fusion
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.damage import flaws_of


def test_a_new_collection_is_empty_and_points_nowhere(catalog: Catalog) -> None:
    before = datetime.now(UTC)
    made = catalog.collections.create("default")
    assert (made.name, made.revision, made.documents) == ("default", 0, 0)
    assert (made.generation, made.epoch) == (None, 0)
    assert before <= made.created_at <= datetime.now(UTC)
    assert catalog.collections.get("default") == made


def test_collections_are_listed_by_name(catalog: Catalog) -> None:
    for name in ("b", "a-1", "a_0"):
        catalog.collections.create(name)
    assert [one.name for one in catalog.collections.list()] == ["a-1", "a_0", "b"]


@pytest.mark.parametrize("name", ["a", "0", "a" * 63, "a-b_c", "9lives"])
def test_a_plain_name_is_taken(catalog: Catalog, name: str) -> None:
    assert catalog.collections.create(name).name == name


@pytest.mark.parametrize(
    "name", ["", "A", "-a", "_a", "a" * 64, "a b", "a/b", "a\n", "ä", "٣", "a\0", "\ud800"]
)
def test_another_name_is_refused_and_names_nothing(catalog: Catalog, name: str) -> None:
    with pytest.raises(InvalidNameError, match="1 to 63"):
        catalog.collections.create(name)
    with pytest.raises(CollectionNotFoundError):
        catalog.collections.get(name)


def test_a_name_is_taken_once(catalog: Catalog) -> None:
    catalog.collections.create("default")
    with pytest.raises(CollectionExistsError, match="already"):
        catalog.collections.create("default")


def test_of_many_who_create_one_name_one_wins(catalog: Catalog) -> None:
    def create(_: int) -> bool:
        try:
            catalog.collections.create("contested")
        except CollectionExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1


def test_a_deleted_collection_takes_everything_of_it_along(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, [Document("d", "text"), Document("e", "text")])
    catalog.documents.delete(catalog_collection, "d")
    catalog.judgments.put(catalog_collection, judgments=[Judgment("q", "d", 1)])
    catalog.collections.point("default", generation="g")
    catalog.collections.delete("default")
    assert catalog.collections.list() == ()
    again = catalog.collections.create("default")
    assert again.id != catalog_collection.id
    assert catalog.documents.page(again, limit=9) == []
    assert catalog.judgments.counts(again).judgments == 0
    assert catalog.collections.releases("default") == ()
    assert flaws_of(catalog) == []


def test_what_does_not_exist_cannot_be_deleted(catalog: Catalog) -> None:
    with pytest.raises(CollectionNotFoundError, match="'nothing'"):
        catalog.collections.delete("nothing")


def test_the_pointer_moves_and_counts_its_moves(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    first = catalog.collections.point("default", generation="g1")
    second = catalog.collections.point("default", generation="g2", epoch_expected=1)
    assert (first.generation, first.epoch) == ("g1", 1)
    assert (second.generation, second.epoch) == ("g2", 2)
    assert catalog.collections.get("default") == second


def test_a_pointer_that_somebody_else_moved_stays(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.point("default", generation="theirs")
    with pytest.raises(StalePointerError, match="epoch 1, not 0"):
        catalog.collections.point("default", generation="mine", epoch_expected=0)
    assert catalog.collections.get("default").generation == "theirs"
    assert len(catalog.collections.releases("default")) == 1


def test_every_move_is_in_the_history_newest_first(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    why = Reason(actor="ops", text="better on test", report="r1")
    catalog.collections.point("default", generation="g1")
    catalog.collections.point("default", generation="g2", reason=why)
    newest, oldest = catalog.collections.releases("default")
    assert (newest.epoch, newest.previous, newest.generation) == (2, "g1", "g2")
    assert newest.reason == why
    assert (oldest.epoch, oldest.previous, oldest.generation) == (1, None, "g1")
    assert oldest.at <= newest.at <= datetime.now(UTC)
    assert catalog.collections.releases("default", limit=1) == (newest,)


def test_of_many_who_expect_one_epoch_one_moves_the_pointer(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    def move(number: int) -> bool:
        try:
            catalog.collections.point("default", generation=f"g{number}", epoch_expected=0)
        except StalePointerError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(move, range(6))) == 1
    assert catalog.collections.get("default").epoch == 1


def test_one_statement_tells_whether_anybody_has_written(
    catalog: Catalog, catalog_url: str
) -> None:
    with closing(open_catalog(catalog_url)) as other:
        seen = [catalog.database.version()]
        catalog.collections.list()
        other.collections.list()
        assert catalog.database.version() == seen[-1]
        for writer, name in ((catalog, "own"), (other, "others")):
            writer.collections.create(name)
            seen.append(catalog.database.version())
            assert catalog.database.version() == seen[-1]
        assert len(set(seen)) == 3


def test_a_fusion_is_kept_with_its_release_and_served_until_the_next(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.point("default", generation="g1")
    ranking = SearchRanking(Fusion(dense=0.8), Reranking(RerankKind.TOKENS, weight=0.3))
    tuned = catalog.collections.retune("default", ranking, reason=Reason("ops", "tuned"))
    assert (tuned.ranking, tuned.generation, tuned.epoch) == (ranking, "g1", 2)
    assert catalog.collections.get("default") == tuned
    release = catalog.collections.releases("default", limit=1)[0]
    assert (release.previous, release.generation) == ("g1", "g1")
    assert (release.ranking, release.reason.text) == (ranking, "tuned")


def test_a_generation_that_comes_back_brings_the_fusion_that_it_last_served_with(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.point("default", generation="g1")
    catalog.collections.retune("default", SearchRanking(Fusion(dense=0.6)), reason=Reason())
    with catalog.collections.moving("default") as move:
        moved = move.to("g2", reason=Reason(), ranking=SearchRanking(Fusion(dense=0.9)))
    assert moved.ranking == SearchRanking(Fusion(dense=0.9))
    served = [catalog.collections.point("default", generation=each) for each in ("g1", "g2")]
    assert [one.ranking for one in served] == [
        SearchRanking(Fusion(dense=0.6)),
        SearchRanking(Fusion(dense=0.9)),
    ]


def test_a_generation_that_never_served_fuses_as_the_one_before(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.point("default", generation="g1")
    catalog.collections.retune("default", SearchRanking(RECIPROCAL_RANKS), reason=Reason())
    moved = catalog.collections.point("default", generation="g2")
    assert moved.ranking == SearchRanking(RECIPROCAL_RANKS)


def test_the_default_fusion_comes_back_with_a_generation_that_had_it(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.point("default", generation="g1")
    with catalog.collections.moving("default") as move:
        move.to("g2", reason=Reason(), ranking=SearchRanking(Fusion(dense=0.9)))
    assert catalog.collections.point("default", generation="g1").ranking is None


def test_who_retunes_what_somebody_else_moved_is_told(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.point("default", generation="g1")
    with pytest.raises(StalePointerError, match="epoch 1, not 0"):
        catalog.collections.retune("default", SearchRanking(), reason=Reason(), epoch_expected=0)
    assert catalog.collections.get("default").ranking is None


def test_rows_that_hold_a_fusion_are_as_they_were_written(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.retune("default", SearchRanking(Fusion(dense=0.1)), reason=Reason())
    assert flaws_of(catalog) == []
