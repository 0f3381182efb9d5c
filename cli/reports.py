"""How a report is shown: as fields, as a table, and as what it says in a sentence."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.training.evaluation.report import Report


def report_fields(report: "Report", folder: Path) -> dict[str, Any]:
    """A report in short, for a program."""
    return {
        "event": "done",
        "report": report.id,
        "path": str(folder),
        "collection": report.facts.collection,
        "split": report.plan.split,
        "queries": report.facts.queries,
        "mode": report.plan.mode,
        "baseline": None if report.baseline is None else report.baseline.subject.id,
        "candidates": [
            {
                "checkpoint": result.subject.id,
                "variant": result.subject.variant,
                "outcome": report.comparisons[at].outcome if report.comparisons else None,
                "power": asdict(power)
                if report.comparisons and (power := report.comparisons[at].power)
                else None,
                "ranking": result.ranking,
                "alone": None
                if result.alone is None
                else {name: found.mean for name, found in result.alone.items()},
                "measures": {row[1]: dict(zip(_COLUMNS[2:], row[2:], strict=True)) for row in rows},
            }
            for at, (result, rows) in enumerate(zip(report.candidates, _rows(report), strict=True))
        ],
    }


_COLUMNS = ("checkpoint", "measure", "mean", "low", "high", "baseline", "difference", "p")


def _rows(report: "Report") -> list[list[tuple[Any, ...]]]:
    """For each candidate a row of `_COLUMNS` for each measure."""
    found = []
    for at, result in enumerate(report.candidates):
        compared = report.comparisons[at].measures if report.comparisons else {}
        rows: list[tuple[Any, ...]] = []
        for name, value in result.measures.items():
            row = (result.subject.id, name, value.mean, value.low, value.high)
            change = compared.get(name)
            if report.baseline is None or change is None:
                rows.append((*row, None, None, None))
            else:
                before = report.baseline.measures[name].mean
                rows.append((*row, before, change.estimate.mean, change.p))
        found.append(rows)
    return found


def listing(report: "Report") -> Listing:
    """Every measure of every candidate, beside the baseline's."""
    width = len(_COLUMNS) if report.baseline else _COLUMNS.index("baseline")
    return Listing(
        _COLUMNS[:width],
        [
            [f"{cell:.4f}" if isinstance(cell, float) else cell for cell in row[:width]]
            for rows in _rows(report)
            for row in rows
        ],
    )


def note_verdicts(call: Invocation, report: "Report", folder: Path) -> None:
    """Say on standard error what a report shows, and where it lies."""
    from molt.training.evaluation.sight import advice, sight
    from molt.training.evaluation.verdict import encoder_alone, verdict

    for at, result in enumerate(report.candidates):
        said = verdict(report, at)
        alone = encoder_alone(report, at)
        whole = "" if alone is None else f" That is of the whole search; {alone}."
        call.note(f"{result.subject.id}: {said.headline}. {said.amount}. {said.certainty}{whole}")
        for sentence in (*sight(report, at), *advice(report, at)):
            call.note(f"  {sentence}.")
    call.note(f"Report: {folder / 'report.html'}")
