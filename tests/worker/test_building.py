"""Releasing what a job has made, once, however often its last step is begun."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.releases import Reason
from molt.index.errors import StalePointerError
from molt.index.generations.generation import new_generation_id
from molt.index.ranking.fusion import Fusion
from molt.index.ranking.ranking import SearchRanking
from molt.worker.building import retune
from molt.worker.context import JobContext

SERVES, TUNED = "b" * 16, SearchRanking(Fusion(dense=0.4))
WHY = Reason("ann", "tune-search, job j1")


@pytest.fixture
def context(tmp_path: Path) -> Iterator[JobContext]:
    with closing(open_catalog(home_url(tmp_path))) as catalog:
        context = JobContext(load_settings(home=tmp_path), catalog)
        shop, made = catalog.collections.create("shop"), new_generation_id()
        context.generations.create(
            collection=shop.id, checkpoint=SERVES, dimension=8, generation_id=made
        )
        catalog.collections.point("shop", generation=made, reason=Reason())
        yield context


def test_a_ranking_is_released_once_by_a_job_that_was_killed_after_it(context: JobContext) -> None:
    before = context.catalog.collections.get("shop")
    first, again = (retune(context, "shop", TUNED, reason=WHY, baseline=SERVES) for _ in range(2))
    after = context.catalog.collections.get("shop")
    assert (after.ranking, after.generation) == (TUNED, before.generation)
    assert first == again == after.epoch == before.epoch + 1


def test_a_ranking_of_another_encoder_than_the_one_that_serves_by_now_is_not_released(
    context: JobContext,
) -> None:
    with pytest.raises(StalePointerError, match="Ask for the job again"):
        retune(context, "shop", TUNED, reason=WHY, baseline="c" * 16)
    assert context.catalog.collections.get("shop").ranking is None
