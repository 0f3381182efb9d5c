"""The experimenter over a real home with two generations; its thread looks when a test says so."""

from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from structlog.testing import capture_logs

from molt.engine.engine import Engine
from molt.engine.errors import UnavailableError
from molt.engine.search.query import SearchQuery
from molt.engine.watch.experiments import experimenter as experimenting
from molt.engine.watch.experiments.joining import MOST_INTERLEAVED
from molt.engine.watch.experiments.planning import parse_arm, planned
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.experiments import impressions
from molt.index.catalog.judging.experiments.experiment import Arm, Plan
from molt.index.catalog.releases import Reason
from molt.index.errors import (
    CatalogBusyError,
    GenerationNotFoundError,
    InvalidFieldError,
    NothingToRollBackError,
)
from molt.index.generations.occupancy import hold_writing
from tests.engine.watch.experiments.shop import (
    NAME,
    QUERIES,
    Failing,
    click,
    follow,
    newest,
    opened,
    pointed,
    release,
    search,
    served,
    start,
)


def test_without_an_experiment_no_search_takes_part(engine: Engine) -> None:
    engine.experimenter.look()
    assert search(engine) is None
    assert not engine.experimenter.running


def test_by_default_what_served_before_is_compared_with_what_serves(engine: Engine) -> None:
    second, first = served(engine)
    begun = start(engine)
    assert (begun.plan.a, begun.plan.b) == (Arm(first), Arm(second))
    answer = search(engine)
    assert answer is not None
    assert answer.generation == second
    assert {hit.arm for hit in answer.page.hits} == {"a", "b"}
    assert [hit.rank for hit in answer.page.hits] == [*range(1, 11)]
    assert len({hit.id for hit in answer.page.hits}) == 10


def test_each_hit_has_the_score_that_its_arm_gave_it(engine: Engine) -> None:
    start(engine)
    answer, query = search(engine, "lamp number 7"), SearchQuery("lamp number 7", NAME, k=40)
    assert answer is not None
    former = engine.searcher.search_former(query, str(served(engine)[1]))
    alone = {"a": former.page.hits, "b": engine.search(query).page.hits}
    for hit in answer.page.hits:
        own, other = (
            next(one for one in alone[arm] if one.id == hit.id)
            for arm in ("ab" if hit.arm == "a" else "ba")
        )
        assert (hit.score, hit.scores) == (own.score, own.scores)
        assert hit.score != other.score


def test_a_client_is_shown_the_same_again_and_pages_that_go_on(engine: Engine) -> None:
    start(engine)
    first, again = (search(engine, client="ann") for _ in range(2))
    rest, whole = search(engine, client="ann", offset=10), search(engine, client="ann", k=20)
    assert first is not None
    assert again is not None
    assert rest is not None
    assert whole is not None
    ids = [[hit.id for hit in one.page.hits] for one in (first, again, rest, whole)]
    assert ids[0] == ids[1]
    assert ids[0] + ids[2] == ids[3]
    assert [hit.rank for hit in rest.page.hits] == [*range(11, 21)]
    assert first.compared.query_id != again.compared.query_id
    engine.experimenter.look()
    assert newest(engine)["searches"] == 1


def test_searches_of_nobody_differ_and_each_counts(engine: Engine) -> None:
    start(engine)
    orders = {tuple(hit.id for hit in search(engine).page.hits) for _ in range(12)}
    assert len(orders) > 1
    engine.experimenter.look()
    assert newest(engine)["searches"] == 12


def test_only_the_share_takes_part_and_a_client_always_or_never(engine: Engine) -> None:
    start(engine, share=0.3)
    takes = [[search(engine, client=f"c{n}") is not None for _ in range(3)] for n in range(60)]
    assert all(len({*one}) == 1 for one in takes)
    assert 5 < sum(one[0] for one in takes) < 35


def test_what_one_ranking_alone_can_answer_takes_no_part(engine: Engine) -> None:
    start(engine)
    assert search(engine) is not None
    asked: list[dict[str, Any]] = [
        {"offset": 10},
        {"k": MOST_INTERLEAVED + 1},
        {"min_score": 0.1},
        {"rerank": None},
        {"group_by": "kind"},
        {"explain": True},
        {"answer": True},
        {"like": ("d1",)},
    ]
    took_part = [changes for changes in asked if search(engine, **changes) is not None]
    assert took_part == []
    assert search(engine) is not None


def test_clicks_decide_and_the_better_former_generation_serves_again(engine: Engine) -> None:
    second, first = served(engine)
    taken_back: list[str] = []
    engine.experimenter.concluder.on_rollback = taken_back.append
    start(engine)
    follow(engine, arm="a")
    found = newest(engine)
    assert (found["state"], found["better"], found["ended_by"]) == ("ended", "a", "experiment")
    assert found["e_value"]["a"] >= 40
    assert found["e_value"]["b"] < 1
    assert found["credit"]["a"] > 5 > found["credit"]["b"]
    assert found["reason"].endswith(f"at level 0.05; rolled back to {first}")
    assert pointed(engine) == first
    (move,) = engine.catalog.collections.releases(NAME, limit=1)
    assert (move.previous, move.reason.actor) == (second, "experiment")
    assert move.reason.text.startswith("rolled back: experiment 1: arm a ")
    assert taken_back == [NAME]
    assert search(engine) is None
    assert engine.search(SearchQuery("lamp", NAME)).generation == first


def test_where_what_serves_is_better_it_goes_on_serving(engine: Engine) -> None:
    before = served(engine)
    start(engine)
    follow(engine, arm="b")
    assert (newest(engine)["state"], newest(engine)["better"]) == ("ended", "b")
    assert served(engine) == before


def test_generations_that_are_not_asked_alike_are_compared_and_nothing_is_moved(
    engine: Engine,
) -> None:
    before = served(engine)
    start(engine, Plan(Arm(before[1], mode="dense"), Arm()))
    follow(engine, arm="a")
    assert (newest(engine)["state"], newest(engine)["better"]) == ("ended", "a")
    assert served(engine) == before


def test_nothing_is_taken_back_where_a_setting_says_so(engine: Engine, tmp_path: Path) -> None:
    before = served(engine)
    with closing(opened(tmp_path, rollback=False)) as other:
        start(other)
        follow(other, arm="a")
        assert (newest(other)["state"], newest(other)["better"]) == ("ended", "a")
        assert "rolled back" not in newest(other)["reason"]
    assert served(engine) == before


def test_a_rollback_waits_while_the_generation_is_written(engine: Engine) -> None:
    second, first = served(engine)
    start(engine)
    hold = hold_writing(engine.generations.path(str(first)))
    engine.experimenter.concluder._releaser = _Busy(engine.releaser)
    follow(engine, arm="a")
    assert (newest(engine)["state"], pointed(engine)) == ("decided", second)
    hold.release()
    engine.experimenter.concluder._releaser = engine.releaser
    engine.experimenter.look()
    assert (newest(engine)["state"], pointed(engine)) == ("ended", first)


class _Busy:
    """A releaser that is as impatient as a test."""

    def __init__(self, releaser: Any) -> None:
        self._releaser = releaser

    def activate(self, generation: str, **given: Any) -> Any:
        from unittest.mock import patch  # noqa: PLC0415

        from molt.engine import releasing  # noqa: PLC0415

        with patch.object(releasing, "_PATIENCE", 0.0):
            return self._releaser.activate(generation, **given)


def test_an_outcome_takes_nothing_back_that_was_released_since(engine: Engine) -> None:
    second, first = served(engine)
    start(engine)
    engine.catalog.collections.point(NAME, generation=first, reason=Reason("ops", "back"))
    engine.catalog.collections.point(NAME, generation=second, reason=Reason("ops", "forth"))
    engine.live_collections.refresh(NAME)
    follow(engine, arm="a")
    assert (newest(engine)["better"], pointed(engine)) == ("a", second)


def test_an_experiment_ends_when_another_generation_serves(engine: Engine) -> None:
    start(engine)
    assert search(engine) is not None
    third = release(engine, seed=0)
    assert search(engine) is None  # before anybody has looked
    engine.experimenter.look()
    assert newest(engine)["state"] == "ended"
    assert newest(engine)["reason"] == f"stopped: the collection is served from {third} since"
    assert newest(engine)["searches"] == 1


def test_an_experiment_is_stopped_when_a_generation_of_it_is_gone(engine: Engine) -> None:
    first = str(served(engine)[1])
    start(engine)
    assert search(engine) is not None
    rmtree(engine.generations.path(first))
    engine.experimenter.look()
    found = newest(engine)
    assert (found["state"], found["better"], found["ended_by"]) == ("ended", None, "experiment")
    assert found["reason"].startswith("stopped: ")
    assert first in found["reason"]
    assert search(engine) is None


def test_where_one_experiment_fails_the_others_go_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.catalog.collections.create("attic")
    engine.catalog.experiments.start("attic", Plan(Arm(mode="dense"), Arm()), actor="ann")
    start(engine)
    assert [*engine.experimenter.running] == ["attic", NAME]
    count = engine.catalog.impressions.count

    def fail(collection: Collection, *rest: Any, **more: Any) -> Any:
        if collection.name == "attic":
            raise RuntimeError("a defect")
        return count(collection, *rest, **more)

    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(engine.catalog.impressions, "count", fail)
        engine.experimenter.look()
    assert [*engine.experimenter.running] == [NAME]
    assert search(engine) is not None
    (said,) = [one for one in logged if one["event"] == "experiment.failed"]
    assert (said["collection"], said["number"], said["log_level"]) == ("attic", 1, "error")
    engine.experimenter.look()
    assert [*engine.experimenter.running] == ["attic", NAME]


def test_what_is_too_much_to_be_counted_at_once_is_counted_by_later_looks(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impressions, "_COUNTED_AT_ONCE", 1)
    start(engine)
    for text in QUERIES[:3]:
        assert click(engine, text, arm="a")
    counted = []
    for _ in range(4):
        engine.experimenter.look()
        counted.append(newest(engine)["counted"])
    assert counted == [1, 2, 3, 3]


def test_an_experiment_goes_on_after_a_restart(engine: Engine, tmp_path: Path) -> None:
    start(engine)
    follow(engine, arm="a", queries=6)
    before = newest(engine)
    assert before["counted"] == 6
    engine.experimenter.flush()
    with closing(opened(tmp_path)) as again:
        again.experimenter.look()
        assert newest(again) == before
        follow(again, arm="a")
        assert newest(again)["better"] == "a"


def test_what_was_shown_is_written_down_when_a_process_ends(engine: Engine, tmp_path: Path) -> None:
    start(engine)
    other = opened(tmp_path)
    with closing(other):
        other.experimenter.look()
        assert search(other) is not None
    assert newest(engine)["searches"] == 1


def test_what_cannot_be_written_down_yet_is_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(engine)
    search(engine)
    monkeypatch.setattr(engine.catalog.impressions, "note", Failing(CatalogBusyError("busy")))
    engine.experimenter.flush()
    monkeypatch.undo()
    engine.experimenter.flush()
    assert newest(engine)["searches"] == 1


def test_no_more_waits_to_be_written_than_may(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(engine)
    monkeypatch.setattr(experimenting, "_MOST_PENDING", 2)
    assert [search(engine) is not None for _ in range(3)] == [True, True, False]


def test_where_an_arm_fails_what_serves_answers_alone(engine: Engine) -> None:
    start(engine, Plan(Arm(rerank="cross-encoder"), Arm()))
    assert search(engine) is None
    query = SearchQuery(QUERIES[0], NAME)
    fail = Failing(UnavailableError("gone"))
    with capture_logs() as logged:
        for _ in range(3):
            assert engine.experimenter.search(query, fail, client=None) is None
    assert fail.calls == 3
    (said,) = [one for one in logged if one["event"] == "experiment.arm_failed"]
    assert (said["log_level"], said["collection"], said["number"]) == ("warning", NAME, 1)
    assert said["reason"] == "gone"


def test_one_of_two_generations_has_to_be_what_serves(engine: Engine) -> None:
    second, first = served(engine)
    third = release(engine, seed=0)
    with pytest.raises(InvalidFieldError, match=f"what serves, {third}"):
        start(engine, Plan(Arm(first), Arm(second)))
    assert start(engine, Plan(Arm(str(second)[:12]), Arm())).plan.b == Arm(third)


def test_a_generation_that_is_not_there_is_told(engine: Engine) -> None:
    with pytest.raises(GenerationNotFoundError, match="has no generation 'feed'"):
        start(engine, Plan(Arm("feed"), Arm()))
    other = engine.catalog.collections.create("other")
    with pytest.raises(NothingToRollBackError):
        planned(engine.catalog, engine.generations, other.name, Plan(Arm(), Arm()))


def test_an_arm_is_written_as_fields_with_values() -> None:
    assert parse_arm("", option="--a") == Arm()
    written = "generation=0123, mode=dense,rerank=none"
    assert parse_arm(written, option="--a") == Arm("0123", "dense", "none")
    for wrong in ("dense", "mode=", "speed=1", "mode=dense,mode=dense"):
        with pytest.raises(InvalidFieldError, match=r"--a has .*; write generation="):
            parse_arm(wrong, option="--a")
