"""What a retraining fixes at its start, and what it makes of a verdict."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.training.config import ConfigError, RetrainConfig, read_as
from molt.training.errors import TrainingError
from molt.training.uses import read_uses
from molt.worker.child import LEDGER
from molt.worker.context import JobContext
from molt.worker.retraining import Retraining

TRAINED = {"checkpoint": "c" * 16, "improved": True, "reason": None}


def judged(*reasons: str) -> dict[str, Any]:
    return {"report": "r" * 16, "decision": {"accepted": not reasons, "reasons": list(reasons)}}


@pytest.fixture
def context(tmp_path: Path) -> Iterator[JobContext]:
    with closing(open_catalog(home_url(tmp_path))) as catalog:
        catalog.collections.create("shop")
        yield JobContext(load_settings(home=tmp_path), catalog)


def job(context: JobContext, **options: Any) -> Retraining:
    return Retraining(context, "j1", "shop", options, "ann")


def test_the_data_is_fixed_when_the_job_begins(context: JobContext) -> None:
    context.catalog.aliases.set("default", "b" * 16)
    prepared = job(context).prepare()
    collection = context.catalog.collections.get("shop")
    context.catalog.documents.upsert(collection, [Document("late", "", "came later", {})])
    assert job(context).prepare() == prepared
    with closing(open_catalog(prepared["catalog"])) as copied:
        assert copied.collections.get("shop").documents == 0
    assert prepared["baseline"] == "b" * 16
    assert read_uses(context.job_folder("j1")) == {"b" * 16}


def test_the_configuration_is_written_for_the_child_to_read(context: JobContext) -> None:
    context.catalog.aliases.set("default", "b" * 16)
    job(context, config={"run": {"epochs": 2}, "gate": {"alpha": 0.01}}).prepare()
    written = read_as(RetrainConfig, context.job_folder("j1") / "config.toml")
    assert (written.run.epochs, written.gate.alpha) == (2, 0.01)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"config": {"run": {"epoch": 2}}}, ConfigError, "run.epoch is no key"),
        ({"promote": "always"}, TrainingError, "promote is one of gated, never, force"),
        ({"promote": "force"}, TrainingError, "needs a reason"),
        ({}, TrainingError, "molt checkpoints add"),
    ],
)
def test_a_request_that_cannot_be_done_says_why(
    context: JobContext, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        job(context, **options).prepare()


def test_what_the_gate_refuses_is_not_promoted(context: JobContext) -> None:
    assert job(context).refusal(TRAINED, judged("slower", "larger")) == ["slower", "larger"]


def test_what_the_gate_accepts_is_promoted(context: JobContext) -> None:
    assert job(context).refusal(TRAINED, judged()) == []


def test_nothing_is_promoted_where_nobody_wants_it(context: JobContext) -> None:
    assert job(context, promote="never").refusal(TRAINED, judged()) == ["promote is never"]


def test_training_that_gained_nothing_is_not_judged(context: JobContext) -> None:
    assert job(context).refusal(TRAINED | {"reason": "no epoch is better"}, None) == [
        "no epoch is better"
    ]


@pytest.mark.parametrize(
    ("options", "spends"),
    [
        ({}, True),
        ({"promote": "never"}, True),
        ({"promote": "force", "reason": "the judgments are stale"}, False),
    ],
)
def test_what_is_judged_is_spent_unless_it_is_promoted_anyway(
    context: JobContext, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], *, spends: bool
) -> None:
    given: list[Any] = []

    def child(*_: Any, environment: Any, **__: Any) -> dict[str, Any]:
        given.append(environment)
        return {}

    monkeypatch.setattr("molt.worker.retraining.run_child", child)
    monkeypatch.setattr("molt.worker.retraining.JobEvents", MagicMock())
    job(context, **options).judge({"catalog": "sqlite://", "baseline": "b" * 16}, TRAINED)
    assert given == [{LEDGER: home_url(context.home.root)} if spends else {}]


def test_who_forces_a_candidate_past_the_gate_is_on_record_with_why(context: JobContext) -> None:
    forced = job(context, promote="force", reason="the judgments are stale")
    assert forced.refusal(TRAINED, judged("worse")) == []
    reason = forced.reason(judged("worse"))
    assert reason.actor == "ann"
    assert reason.text == "retrain, job j1, forced: the judgments are stale"
    assert reason.report == "r" * 16


@pytest.mark.parametrize("promote", ["gated", "force"])
def test_why_is_on_record_where_the_gate_accepts_too(context: JobContext, promote: str) -> None:
    accepted = job(context, promote=promote, reason="new products")
    assert accepted.reason(judged()).text == "retrain, job j1: new products"
