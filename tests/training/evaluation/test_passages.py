"""Checkpoints are measured by the passages that an index under each of them would have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.index.passages.splitting import Splitting
from molt.training.data.dataset import Split
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.html import render
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.store import read_report, write_report
from molt.worker.tasks.runs import Splittings, run_maker
from tests.training.judging import QUICK, Encoders, corpus_of

SUBJECTS = ("boots", "gloves", "tents", "lamps", "ropes", "stoves", "maps", "axes", "cups", "pans")
FIT = Splitting()


@pytest.fixture
def long() -> Trial:
    """What each document is about is said behind what an encoder of 16 tokens reads."""
    before = "as was said of many other things before this one here they sell a lot of "
    documents = [Document(at, f"{before} {at}. And more of it") for at in SUBJECTS]
    queries = {f"q-{at}": Query(f"q-{at}", at) for at in SUBJECTS}
    return Trial(
        "shop", corpus_of(*documents), Split(queries, {f"q-{at}": {at: 1} for at in SUBJECTS})
    )


@pytest.fixture
def measured(long: Trial, encoders: Encoders, tmp_path: Path) -> Callable[..., Report]:
    """An encoder against another, which is split as `FIT` says."""
    before = encoders.checkpoint(max_length=16)
    after = encoders.checkpoint(max_length=16, seed=1)

    def run(*, split: bool = True) -> Report:
        splittings = Splittings(FIT if split else None, {before.id: None})
        return evaluate(
            long,
            contenders=Contenders([after], baseline=before),
            plan=EvaluationPlan(sampling=QUICK),
            cache=tmp_path / "cache",
            make_run=run_maker(tmp_path / "cache", splittings),
        )

    return run


def test_what_stands_behind_the_beginning_is_found_where_texts_are_split(
    measured: Callable[..., Report],
) -> None:
    report = measured()
    assert report.baseline is not None
    assert report.baseline.measures[PRIMARY].mean < 0.7
    assert report.candidates[0].measures[PRIMARY].mean == 1.0
    assert measured(split=False).candidates[0].measures[PRIMARY].mean < 0.7


def test_a_report_says_how_texts_were_split_and_is_named_by_that(
    measured: Callable[..., Report], tmp_path: Path
) -> None:
    report = measured()
    assert report.baseline is not None
    assert report.baseline.splitting is None
    assert report.candidates[0].splitting == FIT.describe()
    assert measured().id == report.id != measured(split=False).id
    write_report(report, tmp_path)
    assert read_report(tmp_path / "report.json") == report


def test_the_page_says_it_where_any_is(measured: Callable[..., Report]) -> None:
    page = render(measured())
    assert "as one; " in page
    assert "in passages of as many tokens as its encoder reads" in page
    assert "passage" not in render(measured(split=False))


def test_every_document_is_ranked_once_however_many_passages_it_has(
    long: Trial, encoders: Encoders, tmp_path: Path
) -> None:
    many = Document("many", ". ".join(f"boots boots number {at} of all" for at in range(400)))
    trial = Trial("shop", corpus_of(many, *long.corpus.documents), long.split)
    encoder = encoders.open(encoders.checkpoint(max_length=16), cache=tmp_path)
    made = run_maker(tmp_path, Splittings(FIT))(encoder, trial, lambda *_: None)
    assert all(sorted(row) == list(range(11)) for row in made.judged.rows.tolist())
