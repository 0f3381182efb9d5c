"""`molt evaluate`: checkpoints measured on a collection's judged queries, and a report of it."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from molt.cli.home import existing_home, meant_checkpoint
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.progress import Progress, shown_progress
from molt.cli.reports import listing, note_verdicts, report_fields
from molt.cli.training import note_rejected, require_extra, workspace_of

CheckpointsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint", metavar="ID", help="Checkpoint to measure; by default the active one."
    ),
]
BaselineOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Checkpoint to compare with; by default the active one, if another is measured.",
    ),
]
SplitOption = Annotated[
    Literal["train", "dev", "test"], typer.Option(help="Which queries to measure on.")
]
ModeOption = Annotated[
    Literal["serving", "hybrid", "dense"],
    typer.Option(help="The search that would serve, a hybrid one, or vectors alone."),
]
SliceOption = Annotated[
    list[str] | None,
    typer.Option("--slice", metavar="FIELD", help="Slice queries by this metadata field."),
]
GroupOption = Annotated[
    str | None,
    typer.Option(metavar="FIELD", help="Share exposure by this metadata field of documents."),
]
OutOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write the report under DIR instead of the home."),
]


def evaluate(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    checkpoint: CheckpointsOption = None,
    baseline: BaselineOption = None,
    split: SplitOption = "test",
    mode: ModeOption = "serving",
    by: SliceOption = None,
    group: GroupOption = None,
    out: OutOption = None,
) -> None:
    """Measure checkpoints on judged queries, over the whole collection, and write a report.

    Interrupted, it goes on where it stopped when the same command is run again.
    """
    require_extra("evaluating", "ir_measures", "jinja2", "matplotlib")
    from molt.training.evaluation.report import EvaluationPlan
    from molt.worker.tasks.judging import Evaluation, Listener, evaluate_checkpoints

    settings = existing_home(call)
    candidates = [meant_checkpoint(settings, each) for each in checkpoint or ()]
    asked = Evaluation(
        collection,
        candidates=tuple(dict.fromkeys(candidates)),
        baseline=None if baseline is None else meant_checkpoint(settings, baseline),
        plan=EvaluationPlan(split=split, slices=tuple(by or ()), group=group),
        mode=mode,
    )
    with shown_progress(call) as progress:
        listener = Listener(
            note=call.note,
            on_prepared=lambda made: note_rejected(call, made.card),
            progress=_reporting_to(progress),
        )
        report, folder = evaluate_checkpoints(
            workspace_of(settings), asked, listener=listener, out=out
        )
    call.show(report_fields(report, folder), lambda: listing(report))
    note_verdicts(call, report, folder)


def _reporting_to(progress: Progress) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, total: int) -> None:
        if done < total:
            progress.report(stage, done, total=total)
        else:
            progress.finish(stage, done)

    return report
