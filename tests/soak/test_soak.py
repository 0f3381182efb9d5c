"""A soak finds what is lost, repeats its plan, and finds nothing in a few episodes."""

from itertools import islice
from pathlib import Path

import pytest

from tests.soak.answers import documented
from tests.soak.oracle import Oracle
from tests.soak.plan import Kind, episodes
from tests.soak.soak import soak
from tests.soak.stand import prepared


def plan(seed: int) -> list[object]:
    return list(islice(episodes(seed), 60))


def test_a_seed_gives_one_plan_in_which_every_kind_comes_as_often() -> None:
    assert plan(3) == plan(3) != plan(4)
    kinds = [episode.kind for episode in islice(episodes(3), 2 * len(Kind))]
    assert {kind: kinds.count(kind) for kind in Kind} == dict.fromkeys(Kind, 2)


def test_an_acknowledged_document_that_is_lost_changed_or_back_is_found() -> None:
    oracle = Oracle()
    oracle.ask({"kept": "a", "changed": "a", "lost": "a", "gone": "a"})
    oracle.acknowledge({"kept": "a", "changed": "a", "lost": "a", "gone": "a"})
    oracle.ask({"gone": None})
    oracle.acknowledge({"gone": None})
    found = oracle.compare({"kept": "a", "changed": "b", "gone": "a", "strange": "a"})
    assert [what.split()[0] for what in found] == ["changed", "gone", "lost", "strange"]


def test_a_write_that_was_neither_acknowledged_nor_refused_may_have_happened_or_not() -> None:
    for seen in ("old", "new"):
        oracle = Oracle()
        oracle.acknowledge({"a": "old"})
        oracle.ask({"a": "new"})
        assert oracle.living() == set()
        assert oracle.compare({"a": seen}) == []
        assert oracle.compare({"a": "old" if seen == "new" else "new"}) != []


def test_a_write_that_was_refused_must_not_have_happened() -> None:
    oracle = Oracle()
    oracle.acknowledge({"a": "old"})
    oracle.ask({"a": "new"})
    oracle.refuse({"a": "new"})
    assert oracle.compare({"a": "new"}) == ["a is not what was acknowledged last"]


def test_the_statuses_that_may_be_are_those_of_the_reference() -> None:
    known = documented()
    assert {(507, "disk_full"), (429, "overloaded"), (503, "stopping")} <= known
    assert all(status != 500 for status, _ in known)


@pytest.mark.timeout(600)
@pytest.mark.walk
@pytest.mark.promise("P1", "a soak of a minute")
def test_a_short_soak_finds_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    with prepared(tmp_path, seed=5) as stand:
        outcome = soak(stand, seed=5, seconds=60.0, say=said.append)
    assert outcome.findings == [], said
