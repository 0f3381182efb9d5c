"""`molt inspect`: what moves the similarities of an encoder, and how its space lies."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from molt.cli.home import existing_home, meant_checkpoint
from molt.cli.invocation import Invocation
from molt.cli.output import Listing
from molt.cli.progress import Progress, shown_progress
from molt.cli.training import require_extra, workspace_of

if TYPE_CHECKING:
    from molt.training.inspecting.inspection import Inspection

InspectedSplitOption = Annotated[
    Literal["train", "dev", "test"], typer.Option(help="Whose judged pairs are looked at.")
]


def inspect(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="An encoder, by its id or its name.")
    ],
    *,
    collection: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose documents it is given; else the built-in texts."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to write; by default inspection-CHECKPOINT."),
    ] = None,
    split: InspectedSplitOption = "dev",
    sample: Annotated[
        int, typer.Option(min=1, max=20_000, help="So many documents are looked at.")
    ] = 2_000,
    pairs: Annotated[
        int, typer.Option(min=0, max=100, help="So many judged pairs, token by token.")
    ] = 6,
    field: Annotated[
        str | None, typer.Option(metavar="FIELD", help="The metadata field that colours the map.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of all that is drawn.")] = 0,
) -> None:
    """Look into an encoder, and write what is seen as a page and as JSON.

    Which tokens matter by five methods, each with what removing them takes; its layers, its space,
    a map of the documents, and rules that rank as it does. Nothing that serves is changed.
    """
    require_extra("inspecting", "torch", "sentence_transformers", "captum", "shap", "sklearn")
    from molt.index.catalog.judging.split_name import SplitName
    from molt.training.inspecting.inspection import InspectionPlan
    from molt.training.inspecting.page import write_inspection
    from molt.worker.tasks.inspecting import InspectionRequest, inspect_checkpoint

    settings = existing_home(call)
    asked = InspectionRequest(
        meant_checkpoint(settings, checkpoint),
        collection,
        SplitName(split),
        sample,
        InspectionPlan(pairs, field, seed),
    )
    with shown_progress(call) as progress:
        found = inspect_checkpoint(workspace_of(settings), asked, progress=_reporting_to(progress))
    folder = output or Path(f"inspection-{asked.checkpoint[:8]}")
    page = write_inspection(found, folder)
    call.show(found.to_json() | {"path": str(page)}, lambda: _listing(found))
    for said in (*found.notes, *_doubts(found)):
        call.note(said)
    call.note(f"Written to {page}")


def _reporting_to(progress: Progress) -> Callable[[str, int, int], None]:
    def report(stage: str, done: int, total: int) -> None:
        if done < total:
            progress.report(stage, done, total=total)
        else:
            progress.finish(stage, done)

    return report


def _doubts(found: "Inspection") -> Iterator[str]:
    """Where methods are not to be believed."""
    for method in found.methods:
        if method.holds is False:
            yield f"{method.method} names tokens that matter no more than random ones here."
    for one in found.agreements:
        if one.disagree:
            yield f"{one.first} and {one.second} disagree (rank correlation {one.correlation:.2f})."


def _listing(found: "Inspection") -> Listing:
    return Listing(("what", "value"), list(_rows(found)))


def _rows(found: "Inspection") -> Iterator[tuple[str, str]]:
    yield "checkpoint", found.checkpoint
    yield "looked at", f"{found.documents:,} documents, {found.judged_pairs:,} judged pairs"
    for one in found.methods:
        if one.gain is not None and one.beaten is not None:
            told = f"{one.gain:+.4f} over random, beats {100 * one.beaten:.0f} % of random threes"
            yield f"faithfulness of {one.method}", told
    if found.layers:
        yield "AUC by layer", " ".join(f"{one.auc:.3f}" for one in found.layers)
    if found.isotropy is not None:
        space = found.isotropy
        yield "mean cosine of random documents", f"{space.mean_cosine:.3f}"
        yield "effective dimensions", f"{space.effective_dimension:.1f} of {space.dimension}"
    same = found.near_duplicates
    yield "near-duplicates", f"{same.pairs:,} pairs, {same.same_text:,} of one text"
    if found.imitation is not None:
        rules = found.imitation
        told = f"R2 {rules.r2:.2f}, rank correlation {rules.correlation:.2f} on held-out queries"
        yield f"{len(rules.rules)} rules", told
        for rule in rules.rules:
            yield "  if", f"{' and '.join(rule.conditions) or 'anything'}: {rule.score:+.2f}"
