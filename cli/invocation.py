"""An invocation: what every command is told, and how it reads settings and answers."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.output import Listing, write_json, write_listing, write_note

if TYPE_CHECKING:
    from molt.engine.settings import Settings

MEANT = "a collection's name or an alias of it, which becomes its name before the command runs"
"""Marks the arguments of which that is true."""

CollectionArgument = Annotated[str, typer.Argument(help="Name of the collection."), MEANT]
OwnNameArgument = Annotated[str, typer.Argument(help="Name of the collection.")]
"""No alias is taken here."""


@dataclass(frozen=True)
class Invocation:
    """The options that every command takes."""

    home: Path | None = None
    json: bool = False
    debug: bool = False

    def over(self, outer: "Invocation") -> "Invocation":
        """These options where they were given, else those given before the command's name."""
        return Invocation(
            home=self.home or outer.home,
            json=self.json or outer.json,
            debug=self.debug or outer.debug,
        )

    def settings(self, **flags: Any) -> "Settings":
        """Read the settings, flags first. Raises `SettingsError`."""
        from molt.engine.settings import load_settings

        return load_settings(home=self.home, **flags)

    def show(self, value: object, listing: Callable[[], Listing]) -> None:
        """Answer on standard output: `value` as JSON where asked for, else the listing."""
        if self.json:
            write_json(value)
        else:
            write_listing(listing())

    def note(self, message: str) -> None:
        """Tell a human reader something on standard error; nothing where JSON was asked for."""
        if not self.json:
            write_note(message)
