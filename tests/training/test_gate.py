import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.encoder import Encoded, InputType, Lane
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.ranking.ranking import SearchRanking
from molt.training.data.dataset import Split
from molt.training.errors import EvaluationError
from molt.training.evaluation.cost import Cost
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.exposure import Exposure
from molt.training.evaluation.labelling import UnjudgedQuery
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.report import EvaluationPlan, JudgedMode, Report, SplitReuse
from molt.training.evaluation.runs import MakeRun
from molt.training.evaluation.significance import Sampling
from molt.training.evaluation.store import ReportStore
from molt.training.gate import decide
from molt.training.gate_config import GateConfig
from molt.worker.tasks.runs import SearchMaker, run_maker
from tests.hashing import HashingEncoder
from tests.training.judging import Encoders, corpus_of

DOCUMENTS = 40
DEFAULT = GateConfig()
NON_INFERIORITY = GateConfig(require="non-inferiority")
SAME = Cost(2.0, 4.0, 100.0, graph_bytes=1_000_000, checkpoint_bytes=4_000_000)

Order = Sequence[int]
"""The documents of a query, best first."""


class Ranking(HashingEncoder):
    """Gives each query the ranking it is told: documents are axes, queries weigh them."""

    def __init__(self, orders: Sequence[Order], *, seed: int) -> None:
        super().__init__(dimension=DOCUMENTS, seed=seed)
        self.orders = orders

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        numbers = [int(text.split()[-1]) for text in texts]
        vectors = np.zeros((len(texts), DOCUMENTS), np.float32)
        if input_type is InputType.DOCUMENT:
            vectors[np.arange(len(texts)), numbers] = 1
        else:
            for row, number in enumerate(numbers):
                vectors[row, list(self.orders[number])] = np.arange(DOCUMENTS, 0, -1)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Encoded(vectors, np.full(len(texts), 2, np.int32), np.zeros(len(texts), np.bool_))


def answer(query: int) -> int:
    return query % DOCUMENTS


def at_rank(query: int, rank: int) -> Order:
    """The query's one answer at this rank, the other documents as they come."""
    others = [number for number in range(DOCUMENTS) if number != answer(query)]
    return [*others[: rank - 1], answer(query), *others[rank - 1 :]]


def ranked(ranks: Sequence[int]) -> list[Order]:
    return [at_rank(query, rank) for query, rank in enumerate(ranks)]


def of_rank(rank: int) -> float:
    return 1 / math.log2(1 + rank) if rank <= 10 else 0.0


Compare = Callable[..., Report]


@pytest.fixture
def compare(encoders: Encoders, tmp_path: Path) -> Compare:
    """A real report over two rankings of every query, whose costs are alike unless told."""

    def run(
        before: Sequence[Order],
        after: Sequence[Order],
        *,
        languages: Sequence[str] = (),
        shops: Sequence[str] = (),
        cost: Mapping[str, Any] | None = None,
        **plan: Any,
    ) -> Report:
        report = evaluate(
            trial(len(before), languages, shops),
            contenders=Contenders(
                [encoders.add(Ranking(after, seed=1))],
                baseline=encoders.add(Ranking(before, seed=0)),
            ),
            plan=EvaluationPlan(
                slices=("language",) if languages else (),
                group="shop" if shops else None,
                **{"sampling": Sampling(resamples=500, permutations=1000)} | plan,
            ),
            cache=tmp_path,
            make_run=run_maker(tmp_path),
        )
        return with_costs(report, replace(SAME, **(cost or {})))

    return run


def trial(n: int, languages: Sequence[str], shops: Sequence[str]) -> Trial:
    documents = [
        Document(f"d{at}", f"number {at}", metadata={"shop": shops[at]} if shops else {})
        for at in range(DOCUMENTS)
    ]
    queries = {
        f"q{at}": Query(f"q{at}", f"find {at}", {"language": languages[at]} if languages else {})
        for at in range(n)
    }
    qrels = {f"q{at}": {f"d{answer(at)}": 1} for at in range(n)}
    return Trial("numbers", corpus_of(*documents), Split(queries, qrels))


def with_costs(report: Report, cost: Cost) -> Report:
    """The same with this cost of the candidate, next to that which the baseline always has."""
    assert report.baseline is not None
    (candidate,) = report.candidates
    return replace(
        report,
        baseline=replace(report.baseline, cost=SAME),
        candidates=(replace(candidate, cost=cost),),
    )


@pytest.fixture
def better(compare: Compare) -> Report:
    """Forty queries whose answer comes first and came second."""
    return compare(ranked([2] * 40), ranked([1] * 40))


def test_a_significant_gain_is_accepted_for_one_reason_with_its_numbers(better: Report) -> None:
    decision = decide(better, config=DEFAULT)
    assert (decision.accepted, decision.report) == (True, better.id)
    (reason,) = decision.reasons
    assert "nDCG@10 rises by 0.3691: 0.6309 → 1.0000" in reason
    assert "p < 0.001 in a paired permutation test over 40 queries" in reason


class Sure(Ranking):
    """Puts a document of no worth far before the others, whatever follows."""

    def encode(self, texts: Sequence[str], *, input_type: InputType, lane: Lane) -> Encoded:
        encoded = super().encode(texts, input_type=input_type, lane=lane)
        if input_type is InputType.QUERY:
            encoded.vectors[encoded.vectors == encoded.vectors.max(axis=1, keepdims=True)] = 5
            encoded.vectors[:] /= np.linalg.norm(encoded.vectors, axis=1, keepdims=True)
        return encoded


def test_a_better_encoder_that_makes_a_worse_search_is_refused(
    encoders: Encoders, tmp_path: Path
) -> None:
    on = trial(40, (), ())
    before = encoders.add(Ranking(ranked([5] * 40), seed=0))
    after = encoders.add(Sure(ranked([2] * 40), seed=1))

    def judged(make_run: MakeRun, mode: JudgedMode) -> Report:
        plan = EvaluationPlan(sampling=Sampling(resamples=500, permutations=1000), mode=mode)
        contenders = Contenders([after], baseline=before)
        report = evaluate(on, contenders=contenders, plan=plan, cache=tmp_path, make_run=make_run)
        return with_costs(report, SAME)

    rankings = dict.fromkeys((before.id, after.id), SearchRanking())
    words = index_in_memory(on.corpus.documents)
    assert decide(judged(run_maker(tmp_path), "dense"), config=DEFAULT).accepted
    report = judged(SearchMaker(tmp_path, words, rankings), "hybrid")
    decision = decide(report, config=DEFAULT)
    assert not decision.accepted
    assert "nDCG@10 falls by 0.3691: 1.0000 → 0.6309" in decision.reasons[0]
    assert "the encoder alone: nDCG@10 0.3869 → 0.6309, p < 0.001" in decision.reasons[0]


def test_an_equal_candidate_is_refused_where_a_gain_is_asked_for(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([2] * 40))
    decision = decide(report, config=DEFAULT)
    assert not decision.accepted
    (reason,) = decision.reasons
    assert "no gain is shown" in reason
    assert "stays the same" in reason


def test_a_rise_that_may_be_chance_is_refused(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([1, 1, *[2] * 38]))
    (reason,) = decide(report, config=DEFAULT).reasons
    assert "no gain is shown, which is a rise with p < 0.05 (gate.alpha)" in reason
    assert "nDCG@10 rises by 0.0185" in reason


def test_a_candidate_that_is_significantly_worse_is_refused(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([3] * 40))
    assert report.comparisons[0].measures["nDCG@10"].p < 0.05
    (reason,) = decide(report, config=DEFAULT).reasons
    assert "nDCG@10 falls by" in reason


def test_the_level_is_the_gate_s_and_not_the_report_s(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([*[1] * 8, *[3] * 3, *[2] * 29]), alpha=0.05)
    assert 0.01 < report.comparisons[0].measures["nDCG@10"].p < 0.05
    assert decide(report, config=DEFAULT).accepted
    assert not decide(report, config=GateConfig(alpha=0.01)).accepted


def reused(report: Report, level: float, *, attempt: int = 3) -> Report:
    """The same as if it were judged at this level, which former candidates have left."""
    reuse = SplitReuse(1, attempt, level, level / 2, 0.05, datetime(2026, 11, 1, tzinfo=UTC), 40)
    return replace(report, reuse=reuse)


def test_a_gain_is_tested_at_the_level_that_former_candidates_have_left(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([*[1] * 8, *[3] * 3, *[2] * 29]))
    assert 0.01 < report.comparisons[0].measures["nDCG@10"].p < 0.05
    assert decide(reused(report, 0.05, attempt=1), config=DEFAULT).accepted
    (reason,) = decide(reused(report, 0.00833), config=DEFAULT).reasons
    assert "a rise with p < 0.00833 (for candidate 3 on this test split" in reason


def test_an_interval_has_to_be_as_wide_as_the_level_that_is_left(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([2] * 40))
    with pytest.raises(EvaluationError, match=r"a level of 0.01 .*asks for 99 %"):
        decide(reused(report, 0.01), config=NON_INFERIORITY)
    wide = compare(ranked([2] * 40), ranked([2] * 40), sampling=Sampling(500, 500, confidence=0.99))
    assert decide(reused(wide, 0.01), config=NON_INFERIORITY).accepted


def test_every_decision_says_what_could_have_been_shown(compare: Compare) -> None:
    gained = compare(ranked([2] * 40), ranked([*[1] * 30, *[3] * 2, *[2] * 8]))
    for report in (gained, compare(ranked([2] * 40), ranked([1, 1, *[2] * 38]))):
        power = report.comparisons[0].power
        assert power is not None
        sight = decide(report, config=DEFAULT).sight
        assert f"a true change of {power.detectable:.4f} in nDCG@10" in sight[0]
        assert "80 % of the time, at a level of 0.05" in sight[0]
    assert decide(gained, config=DEFAULT).advice == ()


def test_a_refusal_for_want_of_queries_says_how_many_are_missing(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([*[1] * 5, *[3] * 2, *[2] * 33]))
    decision = decide(report, config=DEFAULT)
    assert not decision.accepted
    power = report.comparisons[0].power
    assert power is not None
    needed, first = decision.advice
    assert f"needs about {power.more_for_observed:,} judged queries more of test" in needed
    assert f"one of 0.01 (gate.margin) needs about {power.more_for_worth:,} judged" in needed
    assert "no query of numbers is without judgments" in first


def test_a_refusal_names_the_queries_to_judge_first_where_there_are_some(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([*[1] * 5, *[3] * 2, *[2] * 33]))
    unjudged = (UnjudgedQuery("u1", "a query", 0.9, ("d1", "d2")),)
    *_, first = decide(replace(report, unjudged=unjudged), config=DEFAULT).advice
    assert "`molt queries next numbers` lists" in first
    assert f"/judge?collection=numbers&report={report.id}" in first


def test_where_no_gain_is_left_to_be_found_more_queries_are_not_asked_for(
    compare: Compare,
) -> None:
    report = compare(ranked([2] * 40), ranked([3] * 20 + [2] * 20))
    assert decide(report, config=DEFAULT).advice == ()
    level = compare(ranked([2] * 400), ranked([1] * 4 + [3] * 8 + [2] * 388))
    (said,) = decide(level, config=DEFAULT).advice
    assert "more queries would not help" in said


def test_where_too_few_queries_differ_it_says_that_nothing_could_be_shown(
    compare: Compare,
) -> None:
    report = compare(ranked([2] * 40), ranked([1, 1, *[2] * 38]))
    sight = decide(report, config=DEFAULT).sight
    assert any("nDCG@10 of 2 queries changes at all; of fewer than 6" in one for one in sight)


def test_the_account_of_the_split_is_told_with_its_end(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([1, 1, *[2] * 38]))
    *_, later = decide(reused(report, 0.00833), config=DEFAULT).sight
    assert "it is candidate 3, tested at a level of 0.00833, on this test split" in later
    assert "since 2026-11-01; the next is tested at 0.00417" in later
    assert "With 40 new queries more that begins again" in later
    *_, first = decide(reused(report, 0.05, attempt=1), config=DEFAULT).sight
    assert "the first candidate on this test split" in first
    assert "the next is tested at 0.025" in first
    gained = compare(ranked([2] * 40), ranked([1] * 40))
    *_, passed_on = decide(reused(gained, 0.00833), config=DEFAULT).sight
    assert "the next is tested at 0.0125" in passed_on


def mildly_worse() -> tuple[list[Order], list[Order]]:
    """One query in forty falls from the second rank to the third: nDCG@10 by 0.0033."""
    return ranked([1] * 20 + [2] * 20), ranked([1] * 20 + [3] + [2] * 19)


def test_a_mildly_worse_candidate_is_accepted_where_it_need_only_be_no_worse(
    compare: Compare,
) -> None:
    report = compare(*mildly_worse())
    assert report.comparisons[0].measures["nDCG@10"].estimate.mean < 0
    decision = decide(report, config=GateConfig(require="non-inferiority", margin=0.05))
    assert decision.accepted
    assert "not worse by 0.05 (gate.margin)" in decision.reasons[0]


def test_an_equal_candidate_is_accepted_where_it_need_only_be_no_worse(compare: Compare) -> None:
    report = compare(ranked([2] * 40), ranked([2] * 40))
    assert decide(report, config=NON_INFERIORITY).accepted


def test_a_candidate_whose_interval_reaches_the_margin_is_refused(compare: Compare) -> None:
    report = compare(*mildly_worse())
    estimate = report.comparisons[0].measures["nDCG@10"].estimate
    assert estimate.low < -0.01 < estimate.mean
    (reason,) = decide(report, config=NON_INFERIORITY).reasons
    assert "may be worse by 0.01 (gate.margin) or more" in reason


def test_intervals_narrower_than_the_level_prove_no_non_inferiority(compare: Compare) -> None:
    same = ranked([2] * 40)
    report = compare(same, same, sampling=Sampling(500, 500, confidence=0.8))
    with pytest.raises(EvaluationError, match=r"are of 80 %.* asks for 95 %"):
        decide(report, config=NON_INFERIORITY)
    assert not decide(report, config=DEFAULT).accepted


LANGUAGES = ["en"] * 60 + ["de"] * 20


def good_but_for_german() -> tuple[list[Order], list[Order]]:
    return ranked([3] * 60 + [1] * 20), ranked([1] * 60 + [2] * 20)


def test_a_gain_that_one_slice_pays_for_is_refused(compare: Compare) -> None:
    report = compare(*good_but_for_german(), languages=LANGUAGES)
    assert report.comparisons[0].measures["nDCG@10"].estimate.mean > 0.2
    decision = decide(report, config=DEFAULT)
    assert not decision.accepted
    (reason,) = decision.reasons
    assert "where language is de, nDCG@10 falls by 0.3691 over 20 queries" in reason
    assert "at most 0.02 is allowed (gate.slice_margin)" in reason


def test_a_field_may_have_a_margin_of_its_own(compare: Compare) -> None:
    report = compare(*good_but_for_german(), languages=LANGUAGES)
    margins = {"language": 0.4}
    assert decide(report, config=GateConfig(slice_margins=margins)).accepted
    strict = GateConfig(slice_margin=0.4, slice_margins={"language": 0.1})
    assert "at most 0.1 is allowed (gate.slice_margins)" in decide(report, config=strict).reasons[0]


def test_a_slice_that_falls_by_less_than_its_margin_is_let_pass(compare: Compare) -> None:
    before = ranked([3] * 60 + [8] * 20)
    report = compare(before, ranked([1] * 60 + [9] * 20), languages=LANGUAGES)
    german = next(each for each in report.candidates[0].slices if each.value == "de")
    assert german.p_fall is not None
    assert german.p_fall < 0.05
    assert decide(report, config=DEFAULT).accepted
    assert not decide(report, config=GateConfig(slice_margin=0.01)).accepted


def test_a_slice_that_falls_by_chance_is_let_pass(compare: Compare) -> None:
    before, after = ranked([3] * 60 + [1] * 20), ranked([1] * 60 + [9, 9] + [1] * 18)
    report = compare(before, after, languages=LANGUAGES)
    german = next(each for each in report.candidates[0].slices if each.value == "de")
    assert german.difference is not None
    assert german.difference.mean < -0.05
    assert decide(report, config=DEFAULT).accepted


def test_the_p_of_a_slice_is_the_corrected_one(compare: Compare) -> None:
    report = compare(*good_but_for_german(), languages=LANGUAGES)
    (candidate,) = report.candidates
    slices = tuple(replace(each, p=0.01, p_fall=0.06) for each in candidate.slices)
    corrected = replace(report, candidates=(replace(candidate, slices=slices),))
    assert decide(corrected, config=DEFAULT).accepted


def test_a_report_of_an_earlier_version_is_decided_by_the_correction_that_it_has(
    compare: Compare,
) -> None:
    report = compare(*good_but_for_german(), languages=LANGUAGES)
    (candidate,) = report.candidates
    slices = tuple(replace(each, p_fall=None) for each in candidate.slices)
    earlier = replace(report, candidates=(replace(candidate, slices=slices),))
    assert "where language is de" in decide(earlier, config=DEFAULT).reasons[0]


def test_a_slice_of_few_queries_is_not_judged(compare: Compare) -> None:
    before, after = ranked([3] * 60 + [1] * 9), ranked([1] * 60 + [2] * 9)
    report = compare(before, after, languages=["en"] * 60 + ["de"] * 9)
    assert decide(report, config=DEFAULT).accepted


SHOPS = ["big" if at % 4 else "small" for at in range(DOCUMENTS)]


def full_of(shop: str, query: int, *, share: int) -> Order:
    """The answer first, then `share` documents of the shop, then those of the other."""
    others = [at for at in range(DOCUMENTS) if at != answer(query)]
    own = [at for at in others if SHOPS[at] == shop]
    foreign = [at for at in others if SHOPS[at] != shop]
    return [answer(query), *own[:share], *foreign, *own[share:]]


def second(order: Order) -> Order:
    """The same with the first two places exchanged."""
    return [order[1], order[0], *order[2:]]


def crowded(n: int) -> tuple[list[Order], list[Order]]:
    """Better answers, but all of the other places go from both shops to the big one."""
    before = [second(full_of("small", query, share=3)) for query in range(n)]
    return before, [full_of("big", query, share=20) for query in range(n)]


def test_a_gain_that_one_group_of_documents_pays_for_is_refused(compare: Compare) -> None:
    report = compare(*crowded(40), shops=SHOPS)
    decision = decide(report, config=DEFAULT)
    assert not decision.accepted
    (reason,) = decision.reasons
    assert "documents whose shop is small get 22 % of the exposure" in reason
    assert "at most 20 % more may be missing (gate.exposure_margin)" in reason


def test_a_group_may_be_let_vanish(compare: Compare) -> None:
    report = compare(*crowded(40), shops=SHOPS)
    assert decide(report, config=GateConfig(exposure_margin=1)).accepted


def test_a_group_of_less_than_ten_queries_worth_of_relevance_is_not_judged(
    compare: Compare,
) -> None:
    report = compare(*crowded(36), shops=SHOPS)
    assert exposure(report, "small").relevance * 36 == pytest.approx(9)
    assert decide(report, config=DEFAULT).accepted


def test_a_group_that_loses_what_it_had_too_much_of_is_not_treated_worse(
    compare: Compare,
) -> None:
    before = [second(full_of("small", query, share=9)) for query in range(40)]
    after = [full_of("small", query, share=3) for query in range(40)]
    report = compare(before, after, shops=SHOPS)
    fell = [exposure(report, "small", of=side) for side in ("baseline", "candidate")]
    assert fell[0].exposure / fell[0].relevance > 2
    assert fell[0].exposure - fell[1].exposure > 0.2
    assert decide(report, config=DEFAULT).accepted


def exposure(report: Report, group: str, *, of: str = "candidate") -> Any:
    side = report.candidates[0] if of == "candidate" else report.baseline
    assert side is not None
    assert isinstance(side.exposure, Exposure)
    return next(each for each in side.exposure.groups if each.group == group)


def test_a_slow_candidate_is_refused(better: Report) -> None:
    slow = with_costs(better, replace(SAME, latency_p50_ms=2.51))
    (reason,) = decide(slow, config=DEFAULT).reasons
    assert "takes 2.51 ms to encode at the median, with the baseline 2.00 ms" in reason
    assert "at most 1.25 times as long is allowed (gate.max_slowdown)" in reason


def test_a_candidate_just_inside_its_limits_is_accepted(better: Report) -> None:
    edge = replace(SAME, latency_p50_ms=2.5, graph_bytes=1_500_000)
    config = GateConfig(max_p50_ms=2.5, max_bytes=1_500_000)
    assert decide(with_costs(better, edge), config=config).accepted


def test_a_large_candidate_is_refused(better: Report) -> None:
    large = with_costs(better, replace(SAME, graph_bytes=1_500_001))
    (reason,) = decide(large, config=DEFAULT).reasons
    assert "has 1,500,001 bytes, the baseline's 1,000,000" in reason
    assert "at most 1.5 times as many are allowed (gate.max_growth)" in reason


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"max_p50_ms": 1.5}, "2.00 ms to encode at the median; at most 1.5 ms is allowed"),
        ({"max_bytes": 999_999}, "1,000,000 bytes; at most 999,999 are allowed (gate.max_bytes)"),
    ],
)
def test_a_budget_holds_whatever_the_baseline_takes(
    better: Report, budget: Mapping[str, Any], message: str
) -> None:
    (reason,) = decide(better, config=GateConfig(**budget)).reasons
    assert message in reason


def test_too_few_queries_decide_nothing_and_it_says_how_many_to_bring(compare: Compare) -> None:
    report = compare(ranked([2] * 8), ranked([1] * 8))
    assert report.comparisons[0].measures["nDCG@10"].p < 0.05
    (reason,) = decide(report, config=DEFAULT).reasons
    assert "the test split has 8 judged queries" in reason
    assert "import judgments of at least 2 more queries for that split" in reason
    assert decide(report, config=GateConfig(min_queries=8)).accepted


def test_every_reason_is_given_at_once(compare: Compare) -> None:
    _, crowd = crowded(40)
    fair = [full_of("small", query, share=3) for query in range(40)]
    worse = [[*order[1:5], order[0], *order[5:]] for order in crowd]
    languages = ["en", "de"] * 20
    report = compare(
        fair, worse, languages=languages, shops=SHOPS,
        cost={"latency_p50_ms": 9.0, "graph_bytes": 9_000_000},
    )  # fmt: skip
    config = GateConfig(min_queries=50, max_p50_ms=8, max_bytes=8_000_000)
    reasons = decide(report, config=config).reasons
    keys = ("min_queries", "alpha", "slice_margin", "slice_margin", "exposure_margin",
            "max_slowdown", "max_p50_ms", "max_growth", "max_bytes")  # fmt: skip
    assert len(reasons) == len(keys)
    for key, reason in zip(keys, reasons, strict=True):
        assert f"gate.{key}" in reason


def broken(report: Report, where: str, value: float) -> Report:
    (candidate,), (comparison,) = report.candidates, report.comparisons
    found = comparison.measures["nDCG@10"]
    if where == "candidate measures AP mean":
        estimate = replace(candidate.measures["AP"], mean=value)
        candidate = replace(candidate, measures={**candidate.measures, "AP": estimate})
    elif where == "candidate per_query AP":
        values = (value, *candidate.per_query["AP"][1:])
        candidate = replace(candidate, per_query={**candidate.per_query, "AP": values})
    elif where == "candidate cost latency_p50_ms":
        candidate = replace(candidate, cost=replace(SAME, latency_p50_ms=value))
    else:
        changed = replace(found, estimate=replace(found.estimate, mean=value))
        comparison = replace(comparison, measures={**comparison.measures, "nDCG@10": changed})
    return replace(report, candidates=(candidate,), comparisons=(comparison,))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "where",
    [
        "candidate measures AP mean",
        "candidate per_query AP",
        "candidate cost latency_p50_ms",
        "change nDCG@10 estimate mean",
    ],
)
def test_a_value_that_is_no_finite_number_is_refused(
    better: Report, where: str, value: float
) -> None:
    decision = decide(broken(better, where, value), config=DEFAULT)
    assert not decision.accepted
    assert f"no finite numbers ({where})" in decision.reasons[0]


def test_a_report_without_one_candidate_and_a_baseline_is_an_error(better: Report) -> None:
    for wrong in (
        replace(better, baseline=None, comparisons=()),
        replace(better, candidates=better.candidates * 2, comparisons=better.comparisons * 2),
    ):
        with pytest.raises(EvaluationError, match="one candidate against a baseline"):
            decide(wrong, config=DEFAULT)


def test_a_report_that_was_kept_gets_the_same_decision(compare: Compare, tmp_path: Path) -> None:
    report = compare(*crowded(40), languages=["en", "de"] * 20, shops=SHOPS)
    store = ReportStore(tmp_path / "reports")
    store.publish(report)
    assert decide(store.read(report.id), config=DEFAULT) == decide(report, config=DEFAULT)


def test_a_decision_is_written_as_json(better: Report) -> None:
    decision = decide(better, config=DEFAULT)
    assert json.loads(json.dumps(decision.to_json())) == {
        "accepted": decision.accepted,
        "reasons": list(decision.reasons),
        "report": better.id,
        "sight": list(decision.sight),
        "advice": [],
    }


def test_nothing_that_ranks_worse_on_average_is_ever_accepted_for_a_gain(
    compare: Compare,
) -> None:
    outcomes = {True: 0, False: 0}
    for seed in range(40):
        random = np.random.default_rng(seed)
        n = int(random.integers(10, 60))
        before = random.integers(1, 13, n)
        after = np.clip(before + random.integers(-3, 4, n) + random.integers(-2, 3), 1, 14)
        report = compare(ranked(before.tolist()), ranked(after.tolist()))
        change = np.mean([of_rank(b) - of_rank(a) for a, b in zip(before, after, strict=True)])
        accepted = decide(report, config=DEFAULT).accepted
        outcomes[accepted] += 1
        assert change > 0 or not accepted
    assert min(outcomes.values()) >= 10
