"""`molt collections`: list, create and delete collections."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.collection import Collection


def list_collections(call: Invocation) -> None:
    """List the collections: documents, catalog revision, active generation."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.list()
    call.show({"collections": [_described(each) for each in found]}, lambda: _listing(found))


def create_collection(call: Invocation, name: CollectionArgument) -> None:
    """Create an empty collection."""
    with opened_catalog(call.settings()) as catalog:
        made = catalog.collections.create(name)
    call.show(_described(made), lambda: _listing((made,)))


def delete_collection(
    call: Invocation,
    name: CollectionArgument,
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


def _described(collection: "Collection") -> dict[str, Any]:
    return {
        "name": collection.name,
        "documents": collection.documents,
        "revision": collection.revision,
        "generation": collection.generation,
        "epoch": collection.epoch,
        "created_at": collection.created_at,
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
