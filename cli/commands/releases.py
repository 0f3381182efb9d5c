"""`molt releases`: who moved the pointer of a collection, when and why."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from molt.cli.auditing import audited
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing


def releases(
    call: Invocation,
    collection: CollectionArgument,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, of the newest.")] = 20,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="EPOCH=NAME", help="First give the release of that epoch a name; none after =."
        ),
    ] = None,
) -> None:
    """List the releases of a collection, newest first: which generation, since when, and why."""
    from molt.index.generations.description import describe_releases
    from molt.index.generations.generation import GenerationStore

    settings = existing_home(call)
    store = GenerationStore(settings.layout.generations)
    with opened_catalog(settings) as catalog:
        found = catalog.collections.get(collection).name
        if name is not None:
            epoch, label = _naming(name)
            with audited(call, "molt releases", {"collection": found, "name": name}):
                catalog.collections.name_release(found, epoch, label)
        rows = describe_releases(catalog, store, names=[found], limit=limit)
    call.show(
        {"releases": rows},
        lambda: Listing(
            _COLUMNS,
            [
                (f"{row['at']:%F %R}", *(row[name] for name in _COLUMNS[1:-1]), _ranking(row))
                for row in rows
            ],
            empty=f"Nothing was released for {collection} yet; its first documents will be.",
        ),
    )


def _naming(given: str) -> tuple[int, str | None]:
    epoch, separator, label = given.partition("=")
    if not separator or not (epoch.isascii() and epoch.isdecimal() and len(epoch) < 16):
        raise typer.BadParameter("write EPOCH=NAME, as 3=before-christmas", param_hint="--name")
    return int(epoch), label or None


_COLUMNS = (
    "at",
    "epoch",
    "generation",
    "checkpoint",
    "actor",
    "reason",
    "report",
    "name",
    "ranking",
)


def _ranking(row: Mapping[str, Any]) -> str | None:
    """How searches rank since a release: `dense 0.45, title 2, tokens 0.2`; None as by default."""
    fusion, rerank = row["fusion"], row["rerank"]
    if fusion is None:
        return None
    said = [fusion["kind"] if fusion["dense"] is None else f"dense {fusion['dense']:g}"]
    said += [f"{path} {weight:g}" for path, weight in (row["fields"] or {}).items()]
    if rerank is not None:
        said.append(rerank["kind"] + ("" if rerank["weight"] is None else f" {rerank['weight']:g}"))
    return ", ".join(said)
