"""`molt alias`: other names for models, which unchanged clients ask for, and for collections."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.engine.models.names import Alias

AliasArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The alias, as text-embedding-3-small.")
]


def list_aliases(call: Invocation) -> None:
    """List the aliases of models: those of the settings, of the catalog, and the built-in one."""
    from molt.engine.models.names import every_alias

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        found = every_alias(catalog.aliases.all(), settings.models.aliases)
    call.show({"aliases": [vars(each) for each in found]}, lambda: _listing(found))


def set_alias_of(
    call: Invocation,
    name: AliasArgument,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="What it stands for: default, a collection or a checkpoint id.",
        ),
    ],
) -> None:
    """Let a name stand for a model; a running server knows it within a second."""
    from molt.engine.models.names import set_alias

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        alias = set_alias(name, model, catalog=catalog, settings=settings)
    call.show(vars(alias), lambda: _listing((alias,)))


def remove_alias_of(call: Invocation, name: AliasArgument) -> None:
    """Let a name stand for nothing any more."""
    from molt.engine.models.names import remove_alias

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        remove_alias(name, catalog=catalog, settings=settings)
    call.show({"removed": name}, lambda: Listing(("removed",), [(name,)]))


def _listing(aliases: "tuple[Alias, ...]") -> Listing:
    return Listing(
        ("alias", "model", "source"), [(each.name, each.model, each.source) for each in aliases]
    )
