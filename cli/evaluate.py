"""`molt evaluate`: checkpoints measured on a collection's judged queries, and a report of it."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from molt.cli.edge import CommandError
from molt.cli.home import checkpoint_store, existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.progress import Progress, shown_progress
from molt.cli.reports import described, listing, note_verdicts
from molt.cli.training import note_rejected, require_extra

if TYPE_CHECKING:
    from molt.engine.settings import Settings
    from molt.index.catalog.catalog import Catalog
    from molt.training.evaluation.evaluate import Contenders
    from molt.training.evaluation.measurement import Trial


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
    require_extra("evaluating", "ir_measures", "jinja2", "matplotlib")
    from molt.index.generations.active import active_checkpoint
    from molt.index.generations.generation import GenerationStore
    from molt.training.evaluation.evaluate import evaluate as run_evaluation
    from molt.training.evaluation.report import Plan
    from molt.training.evaluation.store import ReportStore

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        generations = GenerationStore(settings.home / "generations")
        active = active_checkpoint(catalog, generations, collection)
        contenders = _contenders(settings, active, wanted=checkpoint or [], baseline=baseline)
        trial = _trial(call, catalog, collection, contenders=contenders, split=split)
    with shown_progress(call) as progress:
        report = run_evaluation(
            trial,
            contenders=contenders,
            plan=Plan(split=split, slices=tuple(by or ()), group=group),
            cache=settings.home / "cache",
            progress=_reporting_to(progress),
        )
    folder = ReportStore(out or settings.home / "reports").publish(report)
    call.show(described(report, folder), lambda: listing(report))
    note_verdicts(call, report, folder)


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


def _trial(
    call: Invocation,
    catalog: "Catalog",
    name: str,
    *,
    contenders: "Contenders",
    split: Literal["train", "dev", "test"],
) -> "Trial":
    """The collection's data, cleaned and split as it was to train the contenders."""
    from molt.training.data.config import DataConfig
    from molt.training.data.split_name import SplitName
    from molt.training.material import data_configs, overlaps, prepare_collection

    configs = data_configs(name, contenders.all, otherwise=DataConfig())
    for said in overlaps(configs):
        call.note(said)
    prepared = prepare_collection(catalog, name, config=next(iter(configs)))
    note_rejected(call, prepared.card)
    return prepared.trial(SplitName(split))


def _reporting_to(progress: Progress) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, total: int) -> None:
        if done < total:
            progress.report(stage, done, total=total)
        else:
            progress.finish(stage, done)

    return report
