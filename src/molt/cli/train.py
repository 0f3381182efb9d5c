"""`molt train`: from a collection's relevance data to a checkpoint and a report."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.acquisition import ensure_default
from molt.cli.edge import CommandError
from molt.cli.evaluate import active_checkpoint, note_verdicts
from molt.cli.home import checkpoint_store, existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing, write_json, write_note
from molt.cli.progress import Progress, shown_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from molt.app.settings import Settings
    from molt.training.config import TrainConfig
    from molt.training.fit.progress import Event
    from molt.training.run import Material, Outcome


CollectionArgument = Annotated[str, typer.Argument(help="Name of the collection.")]
ConfigOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A TOML file; see docs/training.md.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one key, as run.epochs=2."),
]
DataOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="PATH", help="More pairs, triplets or scored pairs to learn from."),
]
BaseOption = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Checkpoint to start from; by default the active one."),
]


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
    _require_training()
    from molt.training.config import read_config
    from molt.training.evaluation.store import ReportStore
    from molt.training.run import Places, train

    settings = existing_home(call)
    chosen = read_config(config, settings=setting or ())
    material = material_of(call, settings, collection, config=chosen, files=data or [], base=base)
    with shown_progress(call) as progress:
        outcome = train(
            material,
            config=chosen,
            store=checkpoint_store(settings),
            places=Places(runs=settings.home / "runs", cache=settings.home / "cache"),
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


def _require_training() -> None:
    if any(find_spec(name) is None for name in ("torch", "sentence_transformers", "datasets")):
        raise CommandError("training needs the train extra: `pip install 'molt[train]'`")


def material_of(  # noqa: PLR0913  each by name
    call: Invocation,
    settings: "Settings",
    name: str,
    *,
    config: "TrainConfig",
    files: list[Path],
    base: str | None,
) -> "Material":
    """What a collection and more files give to train with; bad rows are named."""
    from molt.training.data.prepare import prepare
    from molt.training.data.raw import combine
    from molt.training.data.sources import read_collection, read_files
    from molt.training.run import Material

    with opened_catalog(settings) as catalog:
        raw = combine(read_collection(catalog, name), read_files(files))
        start = base or active_checkpoint(settings, catalog, name)
    for row in raw.rejected:
        call.note(f"left out: {row}")
    dataset, card = prepare(raw, config=config.data)
    opened = checkpoint_store(settings).open(start or ensure_default(call, settings))
    return Material(name, opened, dataset, card)


def shown_events(call: Invocation, progress: Progress) -> "Callable[[Event], None]":
    """Steps as progress, epochs as lines."""

    def watch(event: "Event") -> None:
        if event.ndcg10 is not None:
            line = {"event": "dev", "epoch": event.epoch, "ndcg10": event.ndcg10}
            if call.json:
                write_json(line)
            else:
                write_note(f"epoch {event.epoch:g}: nDCG@10 on dev {event.ndcg10:.4f}")
        elif event.steps:
            progress.report(event.stage, event.step, total=event.steps)

    return watch


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
