"""What the commands that train share: their options, where they work, what they say of the data."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.acquisition import ensure_default
from molt.cli.edge import CommandError
from molt.cli.invocation import Invocation

if TYPE_CHECKING:
    from molt.engine.settings import Settings
    from molt.training.data.card import DataCard
    from molt.worker.tasks.workspace import Workspace

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
        raise CommandError(
            f"{doing} needs the train extra: `pip install 'molt-search[train]'`, or in a checkout "
            "`make install-train`"
        )


def workspace_of(settings: "Settings") -> "Workspace":
    """A home as the tasks use it."""
    from molt.worker.tasks.workspace import Workspace

    return Workspace(settings.layout, settings.catalog)


def ensure_base(
    call: Invocation, settings: "Settings", collection: str, *, wanted: str | None
) -> None:
    """See to it that there is a checkpoint to start from: the built-in one, where there is none."""
    if wanted is None and workspace_of(settings).active(collection) is None:
        ensure_default(call, settings)


def note_rejected(call: Invocation, card: "DataCard") -> None:
    """Name every bad row of the data, and what was not used of the good ones."""
    for row in card.rejected:
        call.note(f"left out: {row}")
    for said in card.remarks:
        call.note(said)
