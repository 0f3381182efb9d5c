"""What is judged for the gate: on account of its split, and with the queries that nobody judged."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.encoder.vector_cache import quiet
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.judgments import Judgment, Query
from molt.training.config import RetrainConfig, validated
from molt.training.evaluation.evaluate import Contenders, evaluate, measure_contenders, reported
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.worker.tasks.accounting import Gating
from molt.worker.tasks.labelling import rank_unjudged, unjudged_queries
from molt.worker.tasks.runs import run_maker
from tests.training.judging import QUICK, Encoders

PLAN = EvaluationPlan(sampling=QUICK, mode="hybrid")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(open_catalog(home_url(tmp_path))) as made:
        made.collections.create("shop")
        yield made


@pytest.fixture
def contenders(encoders: Encoders, monkeypatch: pytest.MonkeyPatch) -> Contenders:
    """A sound encoder, and one that reads a single word of a text and so ranks otherwise."""
    monkeypatch.setattr("molt.worker.tasks.labelling.open_encoder", encoders.open)
    short, sound = encoders.checkpoint(max_length=3), encoders.checkpoint(dimension=96)
    return Contenders([short], baseline=sound)


def gating(tmp_path: Path, **gate: object) -> Gating:
    return Gating(validated(RetrainConfig, {"gate": gate}), home_url(tmp_path))


def judge(gate: Gating, trial: Trial, contenders: Contenders, cache: Path) -> Report:
    make_run = run_maker(cache)
    former, *measured = measure_contenders(
        trial, contenders=contenders, plan=PLAN, cache=cache, make_run=make_run
    )
    plan, reuse = gate.plan(PLAN, trial, contenders)
    report = reported(trial, measured, former=former, plan=plan, reuse=reuse)
    gate.tell(report)
    return report


def test_what_is_judged_is_spent_once_and_told_with_its_report(
    catalog: Catalog, trial: Trial, contenders: Contenders, tmp_path: Path
) -> None:
    first, again = (judge(gating(tmp_path), trial, contenders, tmp_path) for _ in range(2))
    assert first.reuse is not None
    assert (first.id, first.level, first.reuse.attempt) == (again.id, 0.05, 1)
    (account,) = catalog.accounts.list(catalog.collections.get("shop"))
    (spent,) = account.spendings
    assert (spent.candidate, spent.report) == (contenders.candidates[0].id, first.id)
    assert spent.gained is False


def test_the_next_candidate_is_judged_at_what_is_left(
    catalog: Catalog, trial: Trial, contenders: Contenders, encoders: Encoders, tmp_path: Path
) -> None:
    judge(gating(tmp_path), trial, contenders, tmp_path)
    other = encoders.checkpoint(dimension=64, seed=3)
    report = judge(gating(tmp_path), trial, Contenders([other], contenders.baseline), tmp_path)
    power = report.comparisons[0].power
    assert power is not None
    assert report.level == power.level == pytest.approx(0.05 / 3)


def test_intervals_that_decide_are_as_wide_as_the_level_asks(
    catalog: Catalog, trial: Trial, contenders: Contenders, tmp_path: Path
) -> None:
    gate = gating(tmp_path, require="non-inferiority", alpha=0.01)
    plan, reuse = gate.plan(PLAN, trial, contenders)
    assert reuse is not None
    assert (plan.sampling.confidence, plan.mode) == (0.99, "hybrid")


@pytest.mark.parametrize("alike", [True, False])
def test_without_a_ledger_and_against_itself_nothing_is_spent(
    catalog: Catalog, trial: Trial, contenders: Contenders, tmp_path: Path, *, alike: bool
) -> None:
    gate = gating(tmp_path) if alike else Gating(RetrainConfig())
    same = Contenders([contenders.all[0]], contenders.baseline) if alike else contenders
    assert gate.plan(PLAN, trial, same) == (PLAN, None)
    assert catalog.accounts.list(catalog.collections.get("shop")) == ()


def test_a_report_at_another_level_is_another_report(
    trial: Trial, contenders: Contenders, catalog: Catalog, tmp_path: Path
) -> None:
    spent = judge(gating(tmp_path), trial, contenders, tmp_path)
    plain = evaluate(
        trial, contenders=contenders, plan=spent.plan, cache=tmp_path, make_run=run_maker(tmp_path)
    )
    assert plain.id != spent.id
    assert plain.reuse is None


def test_queries_without_a_judgment_are_found_once_for_each_text(catalog: Catalog) -> None:
    collection = catalog.collections.get("shop")
    texts = {"q1": "warm boots", "u1": "a tent", "u2": "A  tent", "u3": "Warm boots", "u4": "tea"}
    queries = [Query(query_id, text) for query_id, text in texts.items()]
    catalog.judgments.put(collection, queries=queries, judgments=[Judgment("q1", "d1", 1)])
    found = unjudged_queries(catalog, collection)
    assert {one.id for one in found} == {"u1", "u4"}
    assert found == unjudged_queries(catalog, collection)


def test_unjudged_queries_are_ranked_by_both_checkpoints(
    trial: Trial, contenders: Contenders, tmp_path: Path
) -> None:
    queries = [Query("u1", "warm boots please"), Query("u2", "old lamps sold")]
    means = {"cache": tmp_path, "make_run": run_maker(tmp_path), "progress": quiet}
    found = rank_unjudged(queries, trial, contenders=contenders, **means)
    assert found
    assert {one.query_id for one in found} <= {"u1", "u2"}
    assert all(doc_id in {one.id for one in trial.corpus.documents} for doc_id in found[0].doc_ids)
    assert rank_unjudged([], trial, contenders=contenders, **means) == ()
    alone = Contenders(contenders.candidates)
    assert rank_unjudged(queries, trial, contenders=alone, **means) == ()
