"""At what level candidates are judged that share a test split."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.judging.accounts import Spending
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Split
from molt.training.evaluation.report import SplitReuse
from molt.training.gate_config import GateConfig
from molt.training.spending import level_of, spend


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(open_catalog(home_url(tmp_path))) as made:
        made.collections.create("shop")
        yield made


def split_of(*numbers: int) -> Split:
    queries = {f"q{at}": Query(f"q{at}", f"query {at}") for at in numbers}
    return Split(queries, {query_id: {"d": 1} for query_id in queries})


def spent(catalog: Catalog, candidate: str, split: Split, **config: float) -> SplitReuse:
    gate = GateConfig(**config)
    return spend(catalog, "shop", split, candidate=candidate, baseline="base", config=gate)


def attempt(number: int, level: float, *, gained: bool | None) -> Spending:
    return Spending(1, number, level, "c", "b", "d", datetime(2026, 1, 1, tzinfo=UTC), gained)


def test_the_first_candidate_is_judged_at_the_gate_s_own_level() -> None:
    assert level_of(1, None, alpha=0.05) == 0.05


def test_rises_by_chance_are_as_likely_in_all_attempts_together_as_alpha() -> None:
    promoted = [level_of(k, None, alpha=0.05) / 2 for k in range(1, 100_000)]
    assert 0.049 < sum(promoted) <= 0.05


def test_a_gain_passes_its_level_on_and_nothing_else_does() -> None:
    assert level_of(4, attempt(3, 0.01, gained=True), alpha=0.05) == pytest.approx(0.015)
    for gained in (False, None):
        assert level_of(4, attempt(3, 0.01, gained=gained), alpha=0.05) == pytest.approx(0.005)


def test_no_level_is_above_alpha() -> None:
    assert level_of(2, attempt(1, 0.05, gained=True), alpha=0.05) == 0.05


def test_each_candidate_is_told_what_it_and_the_next_one_get(catalog: Catalog) -> None:
    first, second = (spent(catalog, name, split_of(*range(10))) for name in "ab")
    assert (first.attempt, first.level, first.next_level) == (1, 0.05, pytest.approx(0.05 / 3))
    assert (second.attempt, second.level) == (2, pytest.approx(0.05 / 3))
    assert second.next_level == pytest.approx(0.05 / 6)


def test_as_many_new_queries_as_are_said_to_be_missing_open_another_account(
    catalog: Catalog,
) -> None:
    spent(catalog, "a", split_of(*range(10)))
    grown = spent(catalog, "b", split_of(*range(13)))
    assert (grown.account, grown.until_new) == (1, 7)
    almost = spent(catalog, "c", split_of(*range(19)))
    assert (almost.account, almost.until_new) == (1, 1)
    assert spent(catalog, "c", split_of(*range(20))).account == 2


def test_queries_are_new_by_their_texts_and_not_by_their_ids(catalog: Catalog) -> None:
    spent(catalog, "a", split_of(*range(10)))
    renamed = {f"r{at}": Query(f"r{at}", f"query {at}") for at in range(10)}
    again = spent(catalog, "b", Split(renamed, {query_id: {"d": 1} for query_id in renamed}))
    assert (again.account, again.attempt) == (1, 2)


def test_how_many_have_to_be_new_is_configured(catalog: Catalog) -> None:
    spent(catalog, "a", split_of(*range(10)))
    assert spent(catalog, "b", split_of(*range(13)), renew_share=0.2).account == 2


def test_who_is_judged_again_by_a_stricter_gate_gets_the_stricter_level(catalog: Catalog) -> None:
    split = split_of(*range(10))
    assert spent(catalog, "a", split).level == 0.05
    assert spent(catalog, "a", split, alpha=0.01).level == 0.01
    assert spent(catalog, "a", split, alpha=0.2).level == 0.05
