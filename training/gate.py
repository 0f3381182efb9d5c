"""The gate: may a candidate checkpoint replace the one that serves?

It decides on the search that would serve, where a report is of that, and not on the encoder alone.
Pure arithmetic over one evaluation report. Reads no files, loads no models.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from molt.training.errors import EvaluationError
from molt.training.evaluation.comparison import FEWEST
from molt.training.evaluation.exposure import GroupExposure
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import CheckpointResult, Report
from molt.training.evaluation.sight import advice, sight
from molt.training.evaluation.verdict import encoder_alone, p_value, verdict
from molt.training.gate_config import GateConfig

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Decision:
    """Whether the candidate may serve: the one reason for it, or every reason against.

    Reasons are sentences with their numbers, and may quote metadata. `report` is the id of the
    report that they rest on. `sight` says what could have been shown, and `advice` what it takes to
    be shown more, where the candidate was refused for want of queries.
    """

    accepted: bool
    reasons: tuple[str, ...]
    report: str
    sight: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The decision as JSON has it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def decide(report: Report, *, config: GateConfig) -> Decision:
    """Accept the candidate of a report if nothing speaks against it.

    A gain is a rise of nDCG@10 whose p, paired and two-sided, is below the report's level: `alpha`,
    or what the account of its split gives this candidate. One is non-inferior where the interval of
    the change lies above `-margin`. Intervals have two sides: one of `1 - alpha` passes a candidate
    that is worse by `margin` only `alpha / 2` of the time, as is usual with 95 % (G. Piaggio et
    al., "Reporting of noninferiority and equivalence randomized trials", JAMA 308, 2012).

    Raises `EvaluationError` for a report without a baseline or with several candidates, and where
    non-inferiority is asked of intervals narrower than the level asks for.
    """
    bout = _bout(report, config)
    quality = tuple(_not_finite(bout)) or (*_unproven(bout), *_slices(bout), *_groups(bout))
    reasons = (*_too_few(bout), *quality, *_too_slow(bout), *_too_large(bout))
    return Decision(
        accepted=not reasons,
        reasons=reasons or (_proof(bout),),
        report=report.id,
        sight=tuple(sight(report, 0)),
        advice=tuple(advice(report, 0)) if any(_unproven(bout)) else (),
    )


@dataclass(frozen=True)
class _Bout:
    """A report's one candidate against its baseline, and what is asked of it."""

    report: Report
    config: GateConfig
    baseline: CheckpointResult
    candidate: CheckpointResult

    @property
    def level(self) -> float:
        """At what level the gate decides."""
        reuse = self.report.reuse
        return self.config.alpha if reuse is None else min(self.config.alpha, reuse.level)

    @property
    def change(self) -> str:
        """How nDCG@10 changed, and how sure that is."""
        said, alone = verdict(self.report, 0), encoder_alone(self.report, 0)
        whole = f"{said.amount}; {said.certainty.removesuffix('.')}"
        return whole if alone is None else f"{whole}. That is of the whole search; {alone}"


def _bout(report: Report, config: GateConfig) -> _Bout:
    if report.baseline is None or len(report.candidates) != 1:
        raise EvaluationError(
            f"the gate decides on one candidate against a baseline; report {report.id} has "
            f"{len(report.candidates)} and {'no' if report.baseline is None else 'a'} baseline"
        )
    bout = _Bout(report, config, report.baseline, report.candidates[0])
    confidence, asked = report.plan.sampling.confidence, 1 - bout.level
    if config.require == "non-inferiority" and confidence < asked - _ROUNDING:
        raise EvaluationError(
            f"the intervals of report {report.id} are of {100 * confidence:g} %, and a level of "
            f"{bout.level:.3g} (gate.alpha is {config.alpha:g}) asks for {100 * asked:.4g} %; "
            "evaluate again with that confidence"
        )
    return bout


def _not_finite(bout: _Bout) -> Iterator[str]:
    changes = {name: asdict(each) for name, each in bout.report.comparisons[0].measures.items()}
    sides = {"baseline": asdict(bout.baseline), "candidate": asdict(bout.candidate)}
    if holes := list(dict.fromkeys(_holes(sides | {"change": changes}))):
        yield (
            f"the report has values that are no finite numbers ({', '.join(holes)}), so it proves "
            "nothing; evaluate the checkpoint again, and export it again where that does not help"
        )


def _holes(value: object, *path: str) -> Iterator[str]:
    """Where numbers are infinite or NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        yield " ".join(path)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _holes(inner, *path, str(name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _holes(inner, *path)


def _too_few(bout: _Bout) -> Iterator[str]:
    queries, least = bout.report.facts.queries, bout.config.min_queries
    if queries < least:
        yield (
            f"the {bout.report.plan.split} split has {queries:,} judged queries, too few to decide "
            f"(gate.min_queries is {least:,}): import judgments of at least {least - queries:,} "
            "more queries for that split"
        )


def _unproven(bout: _Bout) -> Iterator[str]:
    margin = bout.config.margin
    found = bout.report.comparisons[0].measures[PRIMARY]
    low = found.estimate.low
    if bout.config.require == "gain" and not (found.estimate.mean > 0 and found.p < bout.level):
        yield f"no gain is shown, which is a rise with p < {_asked(bout)}: {bout.change}"
    if bout.config.require == "non-inferiority" and (low is None or low <= -margin):
        yield f"the candidate may be worse by {margin:g} (gate.margin) or more: {bout.change}"


def _asked(bout: _Bout) -> str:
    reuse = bout.report.reuse
    if reuse is None or bout.level == bout.config.alpha:
        return f"{bout.level:g} (gate.alpha)"
    return (
        f"{bout.level:.3g} (for candidate {reuse.attempt} on this test split; gate.alpha, "
        f"{bout.config.alpha:g}, is for all of them)"
    )


def _proof(bout: _Bout) -> str:
    if bout.config.require == "gain":
        return bout.change
    return f"the candidate is not worse by {bout.config.margin:g} (gate.margin): {bout.change}"


def _slices(bout: _Bout) -> Iterator[str]:
    config = bout.config
    for each in bout.candidate.slices:
        p = each.p_holm if each.p_fall is None else each.p_fall  # earlier reports have the former
        if each.difference is None or p is None or p >= config.alpha:
            continue
        margin = config.slice_margins.get(each.by, config.slice_margin)
        if each.difference.mean < -margin:
            key = "slice_margins" if each.by in config.slice_margins else "slice_margin"
            yield (
                f"where {each.by} is {each.value}, {PRIMARY} falls by {-each.difference.mean:.4f} "
                f"over {each.n:,} queries, corrected p {p_value(p)}; at most {margin:g} "
                f"is allowed (gate.{key})"
            )


def _groups(bout: _Bout) -> Iterator[str]:
    """Groups that miss a larger part than before of the exposure that they deserve.

    They deserve as large a share of it as theirs is of relevance. As with slices, only groups with
    ten queries' worth of relevance are judged: a single query would move others too far.
    """
    before, after = bout.baseline.exposure, bout.candidate.exposure
    allowed = bout.config.exposure_margin
    if before is None or after is None:
        return
    for former, now in zip(before.groups, after.groups, strict=True):
        if now.relevance * bout.report.facts.queries < FEWEST - _ROUNDING:
            continue
        if _missing(now) - _missing(former) > 100 * allowed:
            yield (
                f"documents whose {after.field} is {now.group} get {_got(now):.0f} % of the "
                f"exposure that their relevance deserves, with the baseline {_got(former):.0f} %; "
                f"at most {100 * allowed:g} % more may be missing (gate.exposure_margin)"
            )


def _got(group: GroupExposure) -> float:
    return 100 * group.exposure / group.relevance


def _missing(group: GroupExposure) -> float:
    return max(0.0, 100 - _got(group))


def _too_slow(bout: _Bout) -> Iterator[str]:
    times, most = bout.config.max_slowdown, bout.config.max_p50_ms
    before, now = bout.baseline.cost.latency_p50_ms, bout.candidate.cost.latency_p50_ms
    taken = f"a query takes {now:.2f} ms to encode at the median"
    if now > times * before:
        yield (
            f"{taken}, with the baseline {before:.2f} ms; at most {times:g} times as long is "
            "allowed (gate.max_slowdown)"
        )
    if most is not None and now > most:
        yield f"{taken}; at most {most:g} ms is allowed (gate.max_p50_ms)"


def _too_large(bout: _Bout) -> Iterator[str]:
    times, most = bout.config.max_growth, bout.config.max_bytes
    before, now = bout.baseline.cost.graph_bytes, bout.candidate.cost.graph_bytes
    size = f"the graph that serves has {now:,} bytes"
    if now > times * before:
        yield (
            f"{size}, the baseline's {before:,}; at most {times:g} times as many are allowed "
            "(gate.max_growth)"
        )
    if most is not None and now > most:
        yield f"{size}; at most {most:,} are allowed (gate.max_bytes)"
