"""Evaluations of whole searches: what a report says of them, and of their encoders alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molt.index.lexical.lexical_index import index_in_memory
from molt.index.ranking.fusion import Fusion
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.html import render
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.store import read_report, write_report
from molt.training.evaluation.verdict import encoder_alone
from molt.worker.tasks.runs import SearchMaker
from tests.training.judging import QUICK, Encoders, Evaluate

TUNED = SearchRanking(
    Fusion(dense=0.3), Reranking(RerankKind.TOKENS, weight=0.2), fields={"title": 2.0}
)


@pytest.fixture
def searched(trial: Trial, encoders: Encoders, tmp_path: Path) -> Callable[..., Report]:
    """The two encoders of `evaluated` as parts of whole searches; the candidate's is tuned."""

    def run(ranking: SearchRanking = TUNED) -> Report:
        after = encoders.checkpoint(max_length=3)
        before = encoders.checkpoint(dimension=96)
        words = index_in_memory(trial.corpus.documents)
        rankings = {before.id: SearchRanking(), after.id: ranking}
        return evaluate(
            trial,
            contenders=Contenders([after], baseline=before),
            plan=EvaluationPlan(sampling=QUICK, mode="hybrid"),
            cache=tmp_path / "cache",
            make_run=SearchMaker(tmp_path / "cache", words, rankings),
        )

    return run


def test_the_measures_are_the_search_s_and_the_encoder_s_stand_beside_them(
    searched: Callable[..., Report], evaluated: Evaluate
) -> None:
    whole, alone = searched(), evaluated()
    assert whole.baseline is not None
    assert alone.baseline is not None
    assert whole.baseline.alone == alone.baseline.measures
    assert whole.candidates[0].alone == alone.candidates[0].measures
    assert whole.comparisons[0].alone == alone.comparisons[0].measures
    assert whole.candidates[0].measures[PRIMARY].mean > alone.candidates[0].measures[PRIMARY].mean
    assert alone.candidates[0].alone is None


def test_a_report_says_how_each_search_ranks_and_is_named_by_that(
    searched: Callable[..., Report],
) -> None:
    report = searched()
    assert report.baseline is not None
    assert report.baseline.ranking == SearchRanking().describe()
    assert report.candidates[0].ranking == TUNED.describe()
    assert searched().id == report.id
    assert searched(SearchRanking()).id != report.id


def test_it_is_read_as_it_was_written(searched: Callable[..., Report], tmp_path: Path) -> None:
    report = searched()
    write_report(report, tmp_path)
    assert read_report(tmp_path / "report.json") == report


@pytest.mark.parametrize(
    "tuning",
    [
        None,
        {"queries": 20, "ndcg10": {"dense": 0.5, "cross_validated": 0.61}, "reason": None},
        {"queries": 3, "ndcg10": {}, "reason": "the dev split has <3> judged queries"},
    ],
)
def test_the_page_shows_both_and_how_the_search_was_tuned(
    searched: Callable[..., Report], tuning: dict[str, Any] | None
) -> None:
    page = render(replace(searched(), tuning=tuning))
    assert "of the whole search, by meaning and words; the encoder alone" in page
    assert "with 0.3 for meaning, 2 for words in title, re-ranked by tokens" in page
    assert ("tuned on dev" in page) is (tuning is not None)
    assert ("cross validated 0.6100" in page) is bool(tuning and tuning["ndcg10"])
    assert "<3>" not in page


def test_the_encoder_alone_is_told_of_whole_searches_only(
    searched: Callable[..., Report], evaluated: Evaluate
) -> None:
    assert encoder_alone(evaluated(), 0) is None
    assert str(encoder_alone(searched(), 0)).startswith("the encoder alone: nDCG@10 1.0000 → 0.")
