from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.encoder import Checkpoint, Encoded
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Split
from molt.training.errors import EvaluationError
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.report import ComparisonOutcome, EvaluationPlan
from molt.worker.tasks.runs import run_maker
from tests.hashing import HashingEncoder
from tests.training.judging import QUICK, Encoders, Evaluate, corpus_of


def test_a_checkpoint_that_reads_too_little_is_found_to_be_worse(evaluated: Evaluate) -> None:
    report = evaluated()
    (comparison,) = report.comparisons
    assert comparison.outcome is ComparisonOutcome.WORSE
    assert comparison.measures["nDCG@10"].p < 0.05
    assert comparison.measures["nDCG@10"].estimate.high < 0
    assert comparison.losses > comparison.wins
    assert report.baseline is not None
    assert report.baseline.measures["nDCG@10"].mean > 0.9


def test_a_checkpoint_against_itself_shows_no_difference(
    trial: Trial, encoders: Encoders, tmp_path: Path
) -> None:
    same = encoders.checkpoint()
    report = evaluate(
        trial, contenders=Contenders([same], baseline=same), plan=EvaluationPlan(sampling=QUICK),
        cache=tmp_path, make_run=run_maker(tmp_path),
    )  # fmt: skip
    (comparison,) = report.comparisons
    assert comparison.outcome is ComparisonOutcome.UNDECIDED
    assert comparison.measures["nDCG@10"].p == 1
    assert (comparison.similarity.rbo, comparison.similarity.overlap10) == pytest.approx((1, 1))
    assert (comparison.wins, comparison.losses, comparison.ties) == (0, 0, 36)
    assert (comparison.improved, comparison.worsened) == ((), ())


def test_values_by_query_are_in_the_order_of_the_query_ids(evaluated: Evaluate) -> None:
    report = evaluated()
    (result,) = report.candidates
    for name, estimate in result.measures.items():
        assert len(result.per_query[name]) == len(report.query_ids) == 36
        assert np.mean(result.per_query[name]) == pytest.approx(estimate.mean, abs=1e-6)
    worst = report.comparisons[0].worsened[0]
    at = report.query_ids.index(worst.query_id)
    assert result.per_query["nDCG@10"][at] == pytest.approx(worst.candidate, abs=1e-6)


def test_the_worst_query_shows_what_should_have_come_and_what_came(evaluated: Evaluate) -> None:
    worst = evaluated(n_examples=4).comparisons[0].worsened
    assert len(worst) == 4
    losses = [each.baseline - each.candidate for each in worst]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0
    (answer,) = worst[0].answers
    assert answer.baseline_rank == 1
    assert answer.document.doc_id == worst[0].baseline_top[0].doc_id
    assert worst[0].baseline_top[0].grade == 1
    assert worst[0].candidate_top[0].grade is None


def test_without_a_baseline_nothing_is_compared(
    trial: Trial, encoders: Encoders, tmp_path: Path
) -> None:
    contenders = Contenders([encoders.checkpoint()])
    report = evaluate(
        trial,
        contenders=contenders,
        plan=EvaluationPlan(sampling=QUICK, slices=("kind",), group="shop"),
        cache=tmp_path,
        make_run=run_maker(tmp_path),
    )
    assert (report.baseline, report.comparisons) == (None, ())
    assert {each.p for each in report.candidates[0].slices} == {None}


def test_slices_of_fewer_than_ten_queries_are_not_tested(evaluated: Evaluate) -> None:
    (result,) = evaluated(slices=("kind",)).candidates
    assert {each.n for each in result.slices} == {6}
    for each in result.slices:
        assert (each.p, each.p_holm, each.candidate.low) == (None, None, None)
        assert each.difference is not None
        assert each.difference.mean == pytest.approx(each.candidate.mean - each.baseline)


def test_slices_are_corrected_for_being_many(evaluated: Evaluate, trial: Trial) -> None:
    queries = {
        query_id: replace(query, metadata={"half": at % 2, "third": at % 3})
        for at, (query_id, query) in enumerate(trial.split.queries.items())
    }
    halves = replace(trial, split=Split(queries, trial.split.qrels))
    (result,) = evaluated(halves, slices=("half", "third")).candidates
    assert [each.n for each in result.slices] == [18, 18, 12, 12, 12]
    tested = [(each.p, each.p_holm) for each in result.slices]
    assert min(p for p, _ in tested) < 0.05
    assert min(holm for _, holm in tested) == pytest.approx(5 * min(p for p, _ in tested))


def test_each_encoder_is_closed(evaluated: Evaluate, encoders: Encoders) -> None:
    evaluated()
    assert [each.closed for each in encoders.opened] == [True, True]


def test_the_same_evaluation_has_the_same_id_and_another_has_not(evaluated: Evaluate) -> None:
    assert evaluated().id == evaluated().id != evaluated(alpha=0.01).id


def test_the_order_of_queries_changes_no_number(evaluated: Evaluate, trial: Trial) -> None:
    turned = dict(reversed(trial.split.queries.items()))
    first, second = evaluated(), evaluated(replace(trial, split=Split(turned, trial.split.qrels)))
    assert first.candidates[0].measures == second.candidates[0].measures
    assert first.comparisons == second.comparisons


def test_an_unknown_field_is_refused_before_anything_is_encoded(
    evaluated: Evaluate, encoders: Encoders
) -> None:
    for plan in ({"slices": ("colour",)}, {"group": "colour"}):
        with pytest.raises(EvaluationError, match="colour"):
            evaluated(**plan)
    assert encoders.opened == []


def test_a_split_without_queries_is_refused(evaluated: Evaluate, trial: Trial) -> None:
    with pytest.raises(EvaluationError, match="import judgments"):
        evaluated(replace(trial, split=Split({}, {})))


def test_no_checkpoint_is_refused(trial: Trial, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="at least one"):
        evaluate(
            trial,
            contenders=Contenders([]),
            plan=EvaluationPlan(),
            cache=tmp_path,
            make_run=run_maker(tmp_path),
        )


def test_a_checkpoint_that_makes_no_numbers_is_refused_and_not_measured(
    trial: Trial, encoders: Encoders, tmp_path: Path
) -> None:
    class Lost(HashingEncoder):
        def encode(self, *arguments: Any, **options: Any) -> Encoded:
            encoded = super().encode(*arguments, **options)
            return replace(encoded, vectors=encoded.vectors * np.float32(np.nan))

    lost = encoders.add(Lost(seed=1))
    contenders = Contenders([lost], baseline=encoders.checkpoint())
    with pytest.raises(EvaluationError, match=f"{lost.id}.* are not finite"):
        evaluate(
            trial,
            contenders=contenders,
            plan=EvaluationPlan(sampling=QUICK),
            cache=tmp_path,
            make_run=run_maker(tmp_path),
        )
    assert [each.closed for each in encoders.opened] == [True, True]


def test_one_query_is_enough(evaluated: Evaluate) -> None:
    one = Trial(
        "tiny",
        corpus_of(Document("d", "warm boots"), Document("e", "gloves")),
        Split({"q": Query("q", "boots")}, {"q": {"d": 1}}),
    )
    report = evaluated(one)
    assert report.candidates[0].measures["nDCG@10"].low is None


def test_progress_says_which_checkpoint_does_what(
    trial: Trial, encoders: Encoders, tmp_path: Path
) -> None:
    seen: list[str] = []
    one = encoders.checkpoint()
    evaluate(
        trial, contenders=Contenders([one]), plan=EvaluationPlan(sampling=QUICK),
        cache=tmp_path, make_run=run_maker(tmp_path),
        progress=lambda stage, done, total: seen.append(stage),
    )  # fmt: skip
    stages = list(dict.fromkeys(seen))
    assert stages == [f"{what} by {one.id}" for what in ("queries", "documents", "rankings")]


def test_a_real_checkpoint_is_measured_in_the_variant_that_serves(
    base: Checkpoint, tmp_path: Path, trial: Trial
) -> None:
    (result,) = evaluate(
        trial,
        contenders=Contenders([base]),
        plan=EvaluationPlan(sampling=QUICK),
        cache=tmp_path / "cache",
        make_run=run_maker(tmp_path / "cache"),
    ).candidates
    assert result.subject.id == base.id
    assert result.subject.variant in {each.name for each in base.variants if each.within_budget}
    assert 0 < result.cost.latency_p50_ms <= result.cost.latency_p95_ms
    assert result.cost.checkpoint_bytes == base.size
    assert result.measures["R@100"].mean == 1
