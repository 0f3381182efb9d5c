"""What `molt train` and `molt tune` share: their options, what they learn from, what they show."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.acquisition import ensure_default
from molt.cli.edge import CommandError
from molt.cli.home import checkpoint_store, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import write_json, write_note
from molt.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from molt.encoder.checkpoint import Checkpoint
    from molt.engine.settings import Settings
    from molt.training.config import TrainConfig
    from molt.training.data.card import DataCard
    from molt.training.fit.progress import Event
    from molt.training.material import Material
    from molt.training.run import Places

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


def require_extra(doing: str, *modules: str) -> None:
    """Raise `CommandError` where a module of the train extra is missing."""
    if any(find_spec(name) is None for name in modules):
        raise CommandError(f"{doing} needs the train extra: `pip install 'molt[train]'`")


def places_of(settings: "Settings") -> "Places":
    """Where a home keeps its runs."""
    from molt.training.run import Places

    return Places(runs=settings.home / "runs", cache=settings.home / "cache")


def material_of(  # noqa: PLR0913  each by name
    call: Invocation,
    settings: "Settings",
    name: str,
    *,
    config: "TrainConfig",
    files: list[Path] | None,
    base: str | None,
) -> "Material":
    """What a collection and more files give to train with; bad rows are named."""
    from molt.training.material import prepare_collection, with_base

    with opened_catalog(settings) as catalog:
        prepared = prepare_collection(catalog, name, config=config.data, files=files or ())
    note_rejected(call, prepared.card)
    return with_base(prepared, opened_checkpoint(call, settings, name, wanted=base))


def opened_checkpoint(
    call: Invocation, settings: "Settings", name: str, *, wanted: str | None
) -> "Checkpoint":
    """The checkpoint `wanted`, or else what the collection `name` is served with."""
    from molt.index.generations.active import active_checkpoint
    from molt.index.generations.generation import GenerationStore

    with opened_catalog(settings) as catalog:
        generations = GenerationStore(settings.home / "generations")
        known = wanted or active_checkpoint(catalog, generations, name)
    return checkpoint_store(settings).open(known or ensure_default(call, settings))


def note_rejected(call: Invocation, card: "DataCard") -> None:
    """Name every bad row of the data."""
    for row in card.rejected:
        call.note(f"left out: {row}")


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
