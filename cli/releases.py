"""`molt releases`: who moved the pointer of a collection, when and why."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import Annotated

import typer

from molt.cli.collections import CollectionArgument
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing


def releases(
    call: Invocation,
    collection: CollectionArgument,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, of the newest.")] = 20,
) -> None:
    """List the releases of a collection, newest first: which generation, since when, and why."""
    from molt.index.generations.description import describe_releases
    from molt.index.generations.generation import GenerationStore

    settings = existing_home(call)
    store = GenerationStore(settings.home / "generations")
    with opened_catalog(settings) as catalog:
        name = catalog.collections.get(collection).name
        rows = describe_releases(catalog, store, names=[name], limit=limit)
    call.show(
        {"releases": rows},
        lambda: Listing(
            _COLUMNS,
            [(f"{row['at']:%F %R}", *(row[name] for name in _COLUMNS[1:])) for row in rows],
            empty=f"Nothing was released for {collection} yet; its first documents will be.",
        ),
    )


_COLUMNS = ("at", "epoch", "generation", "checkpoint", "actor", "reason", "report")
