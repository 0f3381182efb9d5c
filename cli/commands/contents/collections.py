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
    from molt.index.passages.splitting import Splitting

ExpiryOption = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="The field of the metadata whose date says when a document expires.",
    ),
]
PassagesOption = Annotated[
    str | None,
    typer.Option(
        metavar="fit|whole|N",
        help="Split long texts into as much as the encoder reads, not at all, or into N tokens.",
    ),
]
OverlapOption = Annotated[
    int | None,
    typer.Option(help="A passage begins with whole sentences of the former one, of N tokens."),
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
    call: Invocation,
    name: OwnNameArgument,
    *,
    expiry_field: ExpiryOption = None,
    passages: PassagesOption = None,
    overlap: OverlapOption = None,
) -> None:
    """Create an empty collection."""
    splitting = _splitting(passages or ("whole" if overlap is None else "fit"), overlap)
    with opened_catalog(call.settings()) as catalog:
        made = catalog.collections.create(name, expiry_field=expiry_field, splitting=splitting)
    call.show(_described(made), lambda: _listing((made,)))


def set_collection(  # noqa: PLR0913  each by name
    call: Invocation,
    name: CollectionArgument,
    *,
    expiry_field: ExpiryOption = None,
    no_expiry_field: Annotated[
        bool, typer.Option("--no-expiry-field", help="Let no document expire any more.")
    ] = False,
    passages: PassagesOption = None,
    overlap: OverlapOption = None,
) -> None:
    """Change by which date documents expire, at once, or how texts are split from now on."""
    if expiry_field is not None and no_expiry_field:
        raise typer.BadParameter("give a FIELD, or --no-expiry-field", param_hint="--expiry-field")
    if expiry_field is None and not no_expiry_field and passages is None and overlap is None:
        raise typer.BadParameter("give --expiry-field, --no-expiry-field or --passages")
    from molt.index.generations.description import splitting_warnings
    from molt.index.generations.generation import GenerationStore
    from molt.index.selection.expiring import expiry_warnings

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        changed, warnings = catalog.collections.get(name), []
        if passages is not None or overlap is not None:
            changed = catalog.collections.split(name, _splitting(passages or "fit", overlap))
            warnings = splitting_warnings(changed, GenerationStore(settings.layout.generations))
        if expiry_field is not None or no_expiry_field:
            changed = catalog.expiries.choose(name, expiry_field)
            warnings += expiry_warnings(catalog, changed)
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
    shown["passages"] = _wording(collection.splitting)
    call.show(described, lambda: Listing(("setting", "value"), [*shown.items()]))


def _wording(splitting: "Splitting | None") -> str:
    """As `--passages` and `--overlap` say it."""
    if splitting is None:
        return "whole"
    tokens = "fit" if splitting.tokens is None else str(splitting.tokens)
    return f"{tokens} --overlap {splitting.overlap}" if splitting.overlap else tokens


def _splitting(passages: str, overlap: int | None) -> "Splitting | None":
    """What `--passages` and `--overlap` say. Raises `InvalidFieldError`."""
    from molt.index.passages.splitting import parse_splitting

    if passages == "whole":
        if overlap:
            raise typer.BadParameter("what is not split has no --overlap")
        return None
    if passages != "fit" and not passages.isdecimal():
        raise typer.BadParameter("fit, whole or a number of tokens", param_hint="--passages")
    tokens = None if passages == "fit" else int(passages)
    return parse_splitting({"tokens": tokens, "overlap": overlap or 0})


def _described(collection: "Collection") -> dict[str, Any]:
    from molt.index.generations.description import describe_passages

    return {
        "name": collection.name,
        "documents": collection.documents,
        "revision": collection.revision,
        "generation": collection.generation,
        "epoch": collection.epoch,
        "created_at": collection.created_at,
        "expiry_field": collection.expiry_field,
        "expired_total": collection.expired,
        "passages": describe_passages(collection.splitting),
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
