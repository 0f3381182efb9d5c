"""`molt collections`: list, show, create, change and delete collections."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation, OwnNameArgument
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.collection import Collection
    from molt.index.catalog.expiries import ExpiryState

ExpiryOption = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="The field of the metadata whose date says when a document expires.",
    ),
]


def list_collections(call: Invocation) -> None:
    """List the collections: documents, catalog revision, active generation."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.list()
    call.show({"collections": [_described(each) for each in found]}, lambda: _listing(found))


def show_collection(call: Invocation, name: CollectionArgument) -> None:
    """Show one collection, and when its documents expire."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(name)
        expiry = catalog.expiries.state(found)
    _show(call, found, expiry)
    if expiry is not None:
        from molt.index.selection.expiring import state_warnings

        for warning in state_warnings(found, expiry):
            call.note(f"Warning: {warning}")


def create_collection(
    call: Invocation, name: OwnNameArgument, *, expiry_field: ExpiryOption = None
) -> None:
    """Create an empty collection."""
    with opened_catalog(call.settings()) as catalog:
        made = catalog.collections.create(name, expiry_field=expiry_field)
    call.show(_described(made), lambda: _listing((made,)))


def set_collection(
    call: Invocation,
    name: CollectionArgument,
    *,
    expiry_field: ExpiryOption = None,
    no_expiry_field: Annotated[
        bool, typer.Option("--no-expiry-field", help="Let no document expire any more.")
    ] = False,
) -> None:
    """Change by which date the documents of a collection expire; it holds for all, at once."""
    if (expiry_field is None) != no_expiry_field:
        raise typer.BadParameter("give a FIELD, or --no-expiry-field", param_hint="--expiry-field")
    from molt.index.selection.expiring import expiry_warnings

    with opened_catalog(existing_home(call)) as catalog:
        changed = catalog.expiries.choose(name, expiry_field)
        warnings = expiry_warnings(catalog, changed)
        expiry = catalog.expiries.state(changed)
    _show(call, changed, expiry, warnings=warnings)
    for warning in warnings:
        call.note(f"Warning: {warning}")


def delete_collection(
    call: Invocation,
    name: OwnNameArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a collection with its documents, queries and judgments."""
    with opened_catalog(existing_home(call)) as catalog:
        doomed = catalog.collections.get(name)
        if not yes:
            typer.confirm(
                f"Delete {name} with its {doomed.documents} documents?", abort=True, err=True
            )
        catalog.collections.delete(name)
    call.show({"deleted": name}, lambda: Listing(("deleted",), [(name,)]))


def _show(
    call: Invocation,
    collection: "Collection",
    expiry: "ExpiryState | None",
    **more: object,
) -> None:
    described = _described(collection) | {"expiry": expiry and asdict(expiry)} | more
    shown = {**_described(collection), "next_expiry": expiry and expiry.next}
    call.show(described, lambda: Listing(("setting", "value"), [*shown.items()]))


def _described(collection: "Collection") -> dict[str, Any]:
    return {
        "name": collection.name,
        "documents": collection.documents,
        "revision": collection.revision,
        "generation": collection.generation,
        "epoch": collection.epoch,
        "created_at": collection.created_at,
        "expiry_field": collection.expiry_field,
        "expired_total": collection.expired,
    }


def _listing(collections: "tuple[Collection, ...]") -> Listing:
    return Listing(
        ("name", "documents", "revision", "generation", "created"),
        [
            (each.name, each.documents, each.revision, each.generation, f"{each.created_at:%F %R}")
            for each in collections
        ],
        empty="No collections yet; `molt import NAME PATH` makes one.",
    )
