"""`molt documents`: the documents of a collection in the catalog, read and changed.

No server is asked: one that runs sees the changes by itself, and indexes them.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.commands.contents.patches import one_patch, read_patches
from molt.cli.commands.contents.searching import parsed_filter
from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing, snippet, write_json

if TYPE_CHECKING:
    from molt.index.catalog.catalog import Catalog
    from molt.index.catalog.collection import Collection
    from molt.index.catalog.documents import StoredDocument
    from molt.index.catalog.rows.patching import DocumentPatch
    from molt.index.selection.selection import MatchingDocuments

_CHARS = 8 * 2**20
_LINES = 500
_NAMED = 10
_SHOWN = 80
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of documents.")]
FilterOption = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON", help='A filter, as {"field": "brand", "eq": "acme"}.'),
]


def get_documents(call: Invocation, collection: CollectionArgument, ids: IdsArgument) -> None:
    """Print documents by their ids, each as one line of JSON."""
    from molt.index.catalog.rows.reading import describe_document

    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        stored = {
            one.document.id: one
            for one in catalog.documents.get_many(found, ids, max_chars=2**62).documents
        }
    for doc_id in ids:
        if doc_id in stored:
            write_json(describe_document(stored[doc_id]))
    missing = [doc_id for doc_id in ids if doc_id not in stored]
    if missing:
        raise _no_documents(collection, missing)


def list_documents(
    call: Invocation,
    collection: CollectionArgument,
    *,
    after: Annotated[str | None, typer.Option(help="Only ids beyond this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 100,
) -> None:
    """List the documents of a collection in the order of their ids."""
    from molt.index.catalog.rows.reading import describe_document

    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        documents = list(islice(_pages(catalog, found, after), limit))
    call.show(
        {"documents": [describe_document(one) for one in documents]},
        lambda: Listing(
            ("id", "revision", "document"),
            [(one.document.id, one.revision, _shown(one)) for one in documents],
            empty="No documents.",
        ),
    )


def count_documents(
    call: Invocation, collection: CollectionArgument, *, where: FilterOption = None
) -> None:
    """Count the documents of a collection, or those that a filter keeps."""
    with opened_catalog(existing_home(call)) as catalog:
        if where is None:
            count = catalog.collections.get(collection).documents
        else:
            count = len(_selected(catalog, collection, where).ordinals)
    call.show({"documents": count}, lambda: Listing(("documents",), [(count,)]))


def delete_documents(
    call: Invocation,
    collection: CollectionArgument,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Ids of documents.")
    ] = None,
    *,
    where: FilterOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete documents by their ids, or those that a filter keeps, after asking."""
    if bool(ids) == (where is not None):
        raise typer.BadParameter("give either ids or --filter", param_hint="ID")
    with opened_catalog(existing_home(call)) as catalog:
        if where is None:
            deleted, missing = _delete_ids(catalog, collection, ids or [], yes=yes)
        else:
            deleted, missing = _delete_kept(catalog, collection, where, yes=yes), ()
    call.show({"deleted": deleted, "missing": missing}, lambda: Listing(("deleted",), [(deleted,)]))
    if missing:
        raise _no_documents(collection, missing)


def patch_documents(
    call: Invocation,
    collection: CollectionArgument,
    doc_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Id of the document.")
    ] = None,
    metadata: Annotated[
        str | None,
        typer.Argument(metavar="[JSON]", help="Merged into its metadata; null removes a field."),
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSON Lines with an id and metadata each, or - for standard input."
        ),
    ] = None,
) -> None:
    """Change metadata of one document, or those of many from a file; nothing is encoded again."""
    if (metadata is None) == (file is None) or (doc_id is None) != (metadata is None):
        raise typer.BadParameter("give an ID and JSON, or --file", param_hint="ID")
    batches: Iterable[Sequence[DocumentPatch]] = (
        [[one_patch(doc_id or "", metadata or "")]] if file is None else read_patches(file)
    )
    accepted, missing = 0, list[str]()
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        for batch in batches:
            ack = catalog.documents.patch(found, batch)
            accepted += ack.accepted
            missing += ack.missing
    call.show(
        {"accepted": accepted, "missing": missing}, lambda: Listing(("patched",), [(accepted,)])
    )
    if missing:
        raise _no_documents(collection, missing)


def _delete_ids(
    catalog: "Catalog", name: str, ids: Sequence[str], *, yes: bool
) -> tuple[int, tuple[str, ...]]:
    collection = catalog.collections.get(name)
    if not yes:
        typer.confirm(f"Delete {len(set(ids))} documents of {name}?", abort=True, err=True)
    ack = catalog.documents.delete_many(collection, ids)
    return ack.accepted, ack.missing


def _delete_kept(catalog: "Catalog", name: str, where: str, *, yes: bool) -> int:
    from molt.index.selection.constants import check_not_all
    from molt.index.selection.selection import delete_selected

    check_not_all(parsed_filter(where))
    selection = _selected(catalog, name, where)
    if not yes:
        typer.confirm(
            f"Delete {len(selection.ordinals)} documents of {name}?", abort=True, err=True
        )
    return sum(delete_selected(catalog, part).accepted for part in selection.parts())


def _selected(catalog: "Catalog", name: str, where: str) -> "MatchingDocuments":
    from molt.index.selection.selection import select_matching

    return select_matching(catalog, name, parsed_filter(where))


def _pages(
    catalog: "Catalog", collection: "Collection", after: str | None
) -> Iterator["StoredDocument"]:
    while found := catalog.documents.page(collection, after=after, limit=_LINES, max_chars=_CHARS):
        yield from found
        after = found[-1].document.id


def _shown(stored: "StoredDocument") -> str:
    document = stored.document
    text = f"{document.title}: {document.text}" if document.title else document.text
    return snippet(text, width=_SHOWN)


def _no_documents(collection: str, missing: Sequence[str]) -> CommandError:
    named = ", ".join(map(repr, missing[:_NAMED]))
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return CommandError(f"{collection} has no document {named}{more}")
