"""Experiments in either database: begun, shown, counted once, ended."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.events import Event
from molt.index.catalog.judging.experiments import impressions
from molt.index.catalog.judging.experiments.experiment import Arm, ExperimentState, Plan
from molt.index.catalog.judging.experiments.impressions import ClickedImpression, Impression
from molt.index.errors import (
    CollectionNotFoundError,
    ExperimentNotFoundError,
    ExperimentRunningError,
    InvalidFieldError,
)
from tests.damage import flaws_of

PLAN = Plan(Arm(mode="dense"), Arm(), share=0.25, level=0.01)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def shown(query_id: str, *, seconds: float = 0, draw: str | None = None) -> Impression:
    said = {"x": -1.0, "y": 1.0}
    return Impression(1, query_id, draw or query_id, NOW + timedelta(seconds=seconds), said)


def click(catalog: Catalog, collection: Collection, *clicks: tuple[str, str]) -> None:
    events = [Event("click", NOW, query_id=one, object_id=other) for one, other in clicks]
    catalog.events.append(collection, events)


class Weighing:
    """Keeps what it is given, and decides when it is told to."""

    def __init__(self, better: str | None = None) -> None:
        self.seen: list[ClickedImpression] = []
        self.better = better

    def __call__(
        self, evidence: Mapping[str, Any], clicked: Sequence[ClickedImpression]
    ) -> tuple[Mapping[str, Any], str | None]:
        self.seen += clicked
        return {"n": evidence.get("n", 0) + len(clicked)}, self.better


@pytest.fixture
def collection(catalog: Catalog, catalog_collection: Collection) -> Collection:
    """One with a running experiment."""
    catalog.experiments.start("default", PLAN, actor="ann")
    return catalog_collection


def count(catalog: Catalog, collection: Collection, weigh: Weighing, *, seconds: float = 0) -> Any:
    (running,) = catalog.experiments.list("default", limit=1)
    until = NOW + timedelta(seconds=seconds)
    return catalog.impressions.count(collection, running, until=until, weigh=weigh)


def test_an_experiment_is_kept_as_it_was_planned(catalog: Catalog, collection: Collection) -> None:
    (kept,) = catalog.experiments.list("default")
    assert (kept.number, kept.plan, kept.started_by) == (1, PLAN, "ann")
    assert (kept.state, kept.searches, kept.evidence) == (ExperimentState.RUNNING, 0, {})
    assert catalog.experiments.going_on() == catalog.experiments.newest() == (kept,)


def test_a_collection_has_one_experiment_at_a_time(
    catalog: Catalog, collection: Collection
) -> None:
    with pytest.raises(ExperimentRunningError, match=r"experiment 1 of 'default' .* stop it first"):
        catalog.experiments.start("default", PLAN, actor="ann")
    ended = catalog.experiments.end("default", actor="bob", reason="enough")
    assert (ended.state, ended.ended_by, ended.reason) == ("ended", "bob", "enough")
    assert catalog.experiments.going_on() == ()
    assert catalog.experiments.start("default", PLAN, actor="ann").number == 2
    assert [one.number for one in catalog.experiments.list("default")] == [2, 1]
    assert [one.number for one in catalog.experiments.newest()] == [2]


def test_what_does_not_go_on_cannot_be_ended(catalog: Catalog, collection: Collection) -> None:
    with pytest.raises(ExperimentNotFoundError, match="molt experiment start"):
        catalog.experiments.end("default", actor="bob", reason="", number=7)
    with pytest.raises(CollectionNotFoundError):
        catalog.experiments.end("nowhere", actor="bob", reason="")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(Arm(), Arm()), "b is the same as a"),
        (Plan(Arm(mode="fuzzy"), Arm()), "a.mode is 'fuzzy'; choose one of hybrid, dense"),
        (Plan(Arm(), Arm(rerank="twice")), "b.rerank is 'twice'; choose one of tuned, none"),
        (Plan(Arm(mode="dense"), Arm(), method="balanced"), "method is 'balanced'"),
        (Plan(Arm(mode="dense"), Arm(), share=0.0), "share must be above 0"),
        (Plan(Arm(mode="dense"), Arm(), level=0.9), "level must be above 0"),
    ],
)
def test_a_plan_that_compares_nothing_is_refused(
    catalog: Catalog, catalog_collection: Collection, plan: Plan, said: str
) -> None:
    with pytest.raises(InvalidFieldError, match=said):
        catalog.experiments.start("default", plan, actor="ann")
    assert catalog.experiments.list("default") == ()


def test_clicks_are_counted_once_when_the_time_is_over(
    catalog: Catalog, collection: Collection
) -> None:
    early, late = shown("q1"), shown("q2", seconds=60)
    assert catalog.impressions.note(collection, [early, late]) == 2
    click(catalog, collection, ("q1", "y"), ("q1", "x"), ("q1", "y"), ("q2", "x"), ("q3", "x"))
    catalog.events.append(collection, [Event("hover", NOW, query_id="q1", object_id="z")])
    weighing = Weighing()
    assert count(catalog, collection, weighing) is None
    assert [(one.credits, [*one.clicked]) for one in weighing.seen] == [
        ({"x": -1.0, "y": 1.0}, ["y", "x", "y"])
    ]
    click(catalog, collection, ("q1", "x"))
    assert count(catalog, collection, weighing, seconds=59) is None
    assert len(weighing.seen) == 1
    count(catalog, collection, weighing, seconds=60)
    assert [[*one.clicked] for one in weighing.seen[1:]] == [["x"]]
    (kept,) = catalog.experiments.list("default")
    assert (kept.searches, kept.evidence) == (2, {"n": 2})


def test_the_oldest_are_counted_first_where_there_are_too_many_at_once(
    catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impressions, "_COUNTED_AT_ONCE", 1)
    waiting = [shown("q5", seconds=2), shown("q9", seconds=1), shown("q1", seconds=3)]
    assert catalog.impressions.note(collection, waiting) == 3
    click(catalog, collection, ("q9", "x"), ("q5", "y"), ("q1", "z"))
    weighing = Weighing()
    for _ in range(4):
        count(catalog, collection, weighing, seconds=60)
    assert [[*one.clicked] for one in weighing.seen] == [["x"], ["y"], ["z"]]
    assert catalog.experiments.list("default")[0].evidence == {"n": 3}


def test_evidence_and_what_waits_are_there_after_a_restart(
    catalog: Catalog, collection: Collection, catalog_url: str
) -> None:
    catalog.impressions.note(collection, [shown("q1"), shown("q2", seconds=60)])
    count(catalog, collection, Weighing())
    with closing(open_catalog(catalog_url)) as again:
        weighing = Weighing()
        count(again, collection, weighing, seconds=60)
        assert len(weighing.seen) == 1
        assert again.experiments.list("default")[0].evidence == {"n": 2}
        assert flaws_of(again) == []


def test_a_lot_that_has_fallen_counts_once(catalog: Catalog, collection: Collection) -> None:
    assert catalog.impressions.note(collection, [shown("q1", draw="d"), shown("q2", draw="d")]) == 1
    assert catalog.impressions.note(collection, [shown("q3", draw="d"), shown("q1")]) == 0
    assert catalog.experiments.list("default")[0].searches == 1


def test_no_more_wait_than_may(
    catalog: Catalog, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impressions, "MOST_OPEN", 3)
    waiting = [shown(f"q{number}") for number in range(5)]
    assert catalog.impressions.note(collection, waiting[:2]) == 2
    assert catalog.impressions.note(collection, waiting[2:]) == 1
    count(catalog, collection, Weighing())
    assert catalog.impressions.note(collection, waiting[3:]) == 2


def test_an_outcome_ends_the_showing_until_it_is_acted_on(
    catalog: Catalog, collection: Collection
) -> None:
    catalog.impressions.note(collection, [shown("q1"), shown("q2", seconds=60)])
    decided = count(catalog, collection, Weighing("a"))
    assert (decided.better, decided.state) == ("a", ExperimentState.DECIDED)
    assert (decided.winner, decided.loser) == (PLAN.a, PLAN.b)
    assert catalog.impressions.note(collection, [shown("q3")]) == 0
    weighing = Weighing("b")
    assert count(catalog, collection, weighing, seconds=60) is None
    assert weighing.seen == []
    (kept,) = catalog.experiments.going_on()
    assert (kept.better, kept.evidence) == ("a", {"n": 1})
    ended = catalog.experiments.end(
        "default", actor="x", reason="y", number=1, states=(ExperimentState.DECIDED,)
    )
    assert (ended.state, ended.better) == ("ended", "a")


def test_what_was_shown_goes_with_the_experiment_and_with_the_collection(
    catalog: Catalog, collection: Collection
) -> None:
    catalog.impressions.note(collection, [shown("q1")])
    catalog.experiments.end("default", actor="x", reason="y")
    assert catalog.impressions.note(collection, [shown("q2")]) == 0
    catalog.experiments.start("default", PLAN, actor="ann")
    weighing = Weighing()
    count(catalog, collection, weighing, seconds=999)
    assert weighing.seen == []
    catalog.collections.delete("default")
    assert catalog.experiments.newest() == ()
    with pytest.raises(CollectionNotFoundError):
        catalog.impressions.note(collection, [shown("q3")])
