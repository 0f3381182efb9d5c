"""What keeps an outcome from being acted on: told once, tried again only where that may help."""

from shutil import rmtree
from typing import Any

import pytest
from structlog.testing import capture_logs

from molt.artifact import CorruptFileError
from molt.encoder.errors import EncoderError
from molt.engine.engine import Engine
from molt.index.catalog.judging.experiments.experiment import ExperimentState
from molt.index.errors import GenerationNotFoundError
from tests.engine.watch.experiments.shop import (
    QUERIES,
    Failing,
    click,
    follow,
    newest,
    pointed,
    release,
    served,
    start,
)


def clicks(engine: Engine, *, arm: str, queries: int = 100) -> None:
    """Enough of them to decide an experiment, which nobody has looked at yet."""
    for text in QUERIES[:queries]:
        assert click(engine, text, arm=arm)
    assert newest(engine)["state"] == "running"


def test_an_experiment_ends_where_what_does_better_is_gone(engine: Engine) -> None:
    second, first = served(engine)
    taken_back: list[str] = []
    engine.experimenter.concluder.on_rollback = taken_back.append
    start(engine)
    clicks(engine, arm="a")
    rmtree(engine.generations.path(str(first)))
    with capture_logs() as logged:
        for _ in range(3):
            engine.experimenter.look()
    found = newest(engine)
    assert (found["state"], found["better"], found["ended_by"]) == ("ended", "a", "experiment")
    assert f"; not rolled back: {_said(logged)}" in found["reason"]
    assert str(first) in _said(logged)
    assert (pointed(engine), taken_back) == (second, [])
    assert engine.catalog.experiments.going_on() == ()


def _said(logged: Any) -> str:
    """Why an experiment could not be acted on, which is logged once."""
    (failed,) = [one for one in logged if one["event"] == "experiment.failed"]
    reason: str = failed["reason"]
    return reason


def test_what_keeps_a_generation_from_serving_ends_the_experiment_and_is_tried_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = pointed(engine)
    for error in (
        GenerationNotFoundError("it is gone"),
        CorruptFileError(engine.generations.root, "is damaged"),
        EncoderError("its checkpoint is gone"),
        OSError("the disk is full"),
    ):
        activate = Failing(error)
        monkeypatch.setattr(engine.releaser, "activate", activate)
        start(engine)
        follow(engine, arm="a")
        found = newest(engine)
        assert (found["state"], found["better"]) == ("ended", "a"), error
        assert found["reason"].endswith(f"at level 0.05; not rolled back: {error}")
        engine.experimenter.look()
        assert activate.calls == 1
    assert pointed(engine) == serving


def test_a_release_that_comes_between_is_left_as_it_is(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[str] = []
    activate = engine.releaser.activate

    def activate_late(generation: str, **given: Any) -> Any:
        released.append(release(engine, seed=0))
        return activate(generation, **given)

    monkeypatch.setattr(engine.releaser, "activate", activate_late)
    start(engine)
    follow(engine, arm="a")
    (third,) = released
    assert pointed(engine) == third
    (decided,) = engine.catalog.experiments.going_on()
    assert decided.state is ExperimentState.DECIDED
    engine.experimenter.look()
    assert (newest(engine)["state"], newest(engine)["better"]) == ("ended", "a")
    assert "rolled back" not in newest(engine)["reason"]
    assert (pointed(engine), released) == (third, [third])
