"""`molt train`: from a collection's relevance data to a checkpoint and a report."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Any

from molt.cli.home import checkpoint_store, existing_home
from molt.cli.invocation import Invocation
from molt.cli.output import Listing
from molt.cli.progress import shown_progress
from molt.cli.reports import note_verdicts
from molt.cli.training import (
    BaseOption,
    CollectionArgument,
    ConfigOption,
    DataOption,
    SetOption,
    material_of,
    places_of,
    require_extra,
    shown_events,
)

if TYPE_CHECKING:
    from molt.training.run import Outcome


def train(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    config: ConfigOption = None,
    setting: SetOption = None,
    data: DataOption = None,
    base: BaseOption = None,
) -> None:
    """Fit the collection's encoder to its judgments and pairs, and report what that gained.

    Nothing that serves is changed. Killed, it goes on where it stopped when the same command is
    run again. Where nothing is gained on dev, the base is what comes out.
    """
    require_extra("training", "torch", "sentence_transformers", "datasets")
    from molt.training.config import read_config
    from molt.training.evaluation.store import ReportStore
    from molt.training.run import train

    settings = existing_home(call)
    chosen = read_config(config, settings=setting or ())
    material = material_of(call, settings, collection, config=chosen, files=data, base=base)
    with shown_progress(call) as progress:
        outcome = train(
            material,
            config=chosen,
            store=checkpoint_store(settings),
            places=places_of(settings),
            watch=shown_events(call, progress),
        )
    folder = None
    if outcome.report is not None:
        folder = ReportStore(settings.home / "reports").publish(outcome.report)
    call.show(_described(outcome, folder), lambda: _listing(outcome))
    if outcome.report is None or folder is None:
        call.note(f"Nothing was gained: {outcome.reason}.")
    else:
        note_verdicts(call, outcome.report, folder)


def _described(outcome: "Outcome", folder: Path | None) -> dict[str, Any]:
    return {
        "event": "done",
        "run": outcome.run_id,
        "checkpoint": outcome.checkpoint.id,
        "improved": outcome.improved,
        "reason": outcome.reason,
        "report": None if folder is None else str(folder),
        "dev": {"base": outcome.fitted.base_ndcg10, "epochs": outcome.fitted.ndcg10},
    }


def _listing(outcome: "Outcome") -> Listing:
    fields = [
        ("checkpoint", outcome.checkpoint.id),
        ("new", "yes" if outcome.improved else "no"),
        ("dev nDCG@10 of the base", f"{outcome.fitted.base_ndcg10:.4f}"),
        *(
            (f"dev nDCG@10 after epoch {epoch}", f"{value:.4f}")
            for epoch, value in enumerate(outcome.fitted.ndcg10, 1)
        ),
    ]
    return Listing(("field", "value"), fields)
