"""What a retraining fixes at its start, and what it makes of a verdict."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.jobs.queue import jobs_url
from molt.training.config import ConfigError, RetrainConfig, read_as
from molt.training.errors import TrainingError
from molt.worker.context import Orders, Workshop
from molt.worker.retraining import Retraining

TRAINED = {"checkpoint": "c" * 16, "improved": True, "reason": None}


def judged(*reasons: str) -> dict[str, Any]:
    return {"report": "r" * 16, "decision": {"accepted": not reasons, "reasons": list(reasons)}}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with closing(open_catalog(home_url(tmp_path))) as catalog:
        catalog.collections.create("shop")
        yield Workshop(Orders(tmp_path, home_url(tmp_path), jobs_url(tmp_path, None)), catalog)


def job(shop: Workshop, **options: Any) -> Retraining:
    return Retraining(shop, "j1", "shop", options, "ann")


def test_the_data_is_fixed_when_the_job_begins(shop: Workshop) -> None:
    shop.catalog.aliases.set("default", "b" * 16)
    prepared = job(shop).prepare()
    collection = shop.catalog.collections.get("shop")
    shop.catalog.documents.upsert(collection, [Document("late", "", "came later", {})])
    assert job(shop).prepare() == prepared
    with closing(open_catalog(prepared["catalog"])) as copied:
        assert copied.collections.get("shop").documents == 0
    assert prepared["baseline"] == "b" * 16


def test_the_configuration_is_written_for_the_child_to_read(shop: Workshop) -> None:
    shop.catalog.aliases.set("default", "b" * 16)
    job(shop, config={"run": {"epochs": 2}, "gate": {"alpha": 0.01}}).prepare()
    written = read_as(RetrainConfig, shop.job_folder("j1") / "config.toml")
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
    shop: Workshop, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        job(shop, **options).prepare()


def test_what_the_gate_refuses_is_not_promoted(shop: Workshop) -> None:
    assert job(shop).refusal(TRAINED, judged("slower", "larger")) == ["slower", "larger"]


def test_what_the_gate_accepts_is_promoted(shop: Workshop) -> None:
    assert job(shop).refusal(TRAINED, judged()) == []


def test_nothing_is_promoted_where_nobody_wants_it(shop: Workshop) -> None:
    assert job(shop, promote="never").refusal(TRAINED, judged()) == ["promote is never"]


def test_training_that_gained_nothing_is_not_judged(shop: Workshop) -> None:
    assert job(shop).refusal(TRAINED | {"reason": "no epoch is better"}, None) == [
        "no epoch is better"
    ]


def test_who_forces_a_candidate_past_the_gate_is_on_record_with_why(shop: Workshop) -> None:
    forced = job(shop, promote="force", reason="the judgments are stale")
    assert forced.refusal(TRAINED, judged("worse")) == []
    reason = forced.reason(judged("worse"))
    assert reason.actor == "ann"
    assert reason.text == "retrain, job j1, forced: the judgments are stale"
    assert reason.report == "r" * 16
