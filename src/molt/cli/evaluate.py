"""`molt evaluate`: checkpoints measured on a collection's judged queries, and a report of it."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from molt.cli.acquisition import DEFAULT_ALIAS
from molt.cli.edge import CommandError
from molt.cli.home import checkpoint_store, existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing
from molt.cli.progress import Progress, shown_progress

if TYPE_CHECKING:
    from molt.app.settings import Settings
    from molt.index.catalog import Catalog
    from molt.training.evaluation.evaluate import Contenders
    from molt.training.evaluation.measurement import Trial
    from molt.training.evaluation.report import Report


def evaluate(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    *,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Checkpoint to measure; by default the active one."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Checkpoint to compare with; by default the active one, if another is measured.",
        ),
    ] = None,
    split: Annotated[
        Literal["train", "dev", "test"], typer.Option(help="Which queries to measure on.")
    ] = "test",
    by: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="FIELD", help="Slice queries by this metadata field."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="FIELD", help="Share exposure by this metadata field of documents."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the report under DIR instead of the home."),
    ] = None,
) -> None:
    """Measure checkpoints on judged queries, over the whole collection, and write a report.

    Interrupted, it goes on where it stopped when the same command is run again.
    """
    _require_evaluation()
    from molt.training.evaluation.evaluate import evaluate as run_evaluation
    from molt.training.evaluation.report import Plan
    from molt.training.evaluation.store import ReportStore

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        active = active_checkpoint(settings, catalog, collection)
        contenders = _contenders(settings, active, wanted=checkpoint or [], baseline=baseline)
        trial = _trial(catalog, collection, split=split)
    with shown_progress(call) as progress:
        report = run_evaluation(
            trial,
            contenders=contenders,
            plan=Plan(split=split, slices=tuple(by or ()), group=group),
            cache=settings.home / "cache",
            progress=_reporting_to(progress),
        )
    folder = ReportStore(out or settings.home / "reports").publish(report)
    call.show(_described(report, folder), lambda: _listing(report))
    note_verdicts(call, report, folder)


def _require_evaluation() -> None:
    if any(find_spec(name) is None for name in ("ir_measures", "jinja2", "matplotlib")):
        raise CommandError("evaluating needs the train extra: `pip install 'molt[train]'`")


def active_checkpoint(settings: "Settings", catalog: "Catalog", name: str) -> str | None:
    """The checkpoint that the collection is served with; the default where it was not indexed."""
    from molt.index.generation import GenerationStore

    generation = catalog.collections.get(name).generation
    if generation is None:
        return catalog.aliases.get(DEFAULT_ALIAS)
    return GenerationStore(settings.home / "generations").read(generation).checkpoint


def _contenders(
    settings: "Settings", active: str | None, *, wanted: Sequence[str], baseline: str | None
) -> "Contenders":
    """Open what was asked for. Raises `CommandError` where nothing was, and nothing is active."""
    from molt.training.evaluation.evaluate import Contenders

    candidates = list(dict.fromkeys(wanted)) or ([] if active is None else [active])
    if not candidates:
        raise CommandError("no checkpoint is active; name one with --checkpoint")
    if baseline is None and active not in candidates:
        baseline = active
    store = checkpoint_store(settings)
    return Contenders(
        [store.open(each) for each in candidates],
        baseline=None if baseline is None else store.open(baseline),
    )


def _trial(catalog: "Catalog", name: str, *, split: Literal["train", "dev", "test"]) -> "Trial":
    """The collection's data, cleaned and split as training does."""
    from molt.training.data.config import DataConfig
    from molt.training.data.prepare import prepare
    from molt.training.data.sources import read_collection
    from molt.training.evaluation.measurement import Trial

    dataset, card = prepare(read_collection(catalog, name), config=DataConfig())
    chosen = {"train": dataset.train, "dev": dataset.dev, "test": dataset.test}[split]
    return Trial(
        collection=name,
        corpus=dataset.corpus,
        split=chosen,
        train=None if split == "train" else dataset.train,
        digest=dataset.digest,
        data_card=card.to_json(),
    )


def _reporting_to(progress: Progress) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, total: int) -> None:
        if done < total:
            progress.report(stage, done, total=total)
        else:
            progress.finish(stage, done)

    return report


def _described(report: "Report", folder: Path) -> dict[str, Any]:
    return {
        "event": "done",
        "report": report.id,
        "path": str(folder),
        "collection": report.facts.collection,
        "split": report.plan.split,
        "queries": report.facts.queries,
        "baseline": None if report.baseline is None else report.baseline.subject.id,
        "candidates": [
            {
                "checkpoint": result.subject.id,
                "variant": result.subject.variant,
                "outcome": report.comparisons[at].outcome if report.comparisons else None,
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


def _listing(report: "Report") -> Listing:
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
    from molt.training.evaluation.verdict import verdict

    for at, result in enumerate(report.candidates):
        said = verdict(report, at)
        call.note(f"{result.subject.id}: {said.headline}. {said.amount}. {said.certainty}")
    call.note(f"Report: {folder / 'report.html'}")
