"""`molt curations`: documents that come first for a query, and those that do not come."""

from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.judging.curations import Curation

QueryArgument = Annotated[str, typer.Argument(help="The query that it is for.")]


def list_curations(call: Invocation, collection: CollectionArgument) -> None:
    """List what is pinned and hidden for which queries."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.curations.list(catalog.collections.get(collection))
    call.show({"curations": [vars(one) for one in found]}, lambda: _listing(found))


def set_curation(
    call: Invocation,
    collection: CollectionArgument,
    query: QueryArgument,
    *,
    pin: Annotated[
        list[str] | None,
        typer.Option("--pin", metavar="ID", help="A document that comes first; in this order."),
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option("--hide", metavar="ID", help="A document that does not come."),
    ] = None,
) -> None:
    """Pin documents to the top of a query's hits, or hide them; replaces what it had."""
    from molt.index.catalog.judging.curations import Curation  # noqa: PLC0415  when it runs

    settings = existing_home(call)
    given = Curation(query, tuple(pin or ()), tuple(hide or ()))
    with opened_catalog(settings) as catalog:
        kept = catalog.curations.put(collection, given, most=settings.limits.max_curations)
    call.show(vars(kept), lambda: _listing((kept,)))


def delete_curation(call: Invocation, collection: CollectionArgument, query: QueryArgument) -> None:
    """Let a query have the hits that it has by itself."""
    with opened_catalog(existing_home(call)) as catalog:
        catalog.curations.remove(collection, query)
    call.show({"deleted": query}, lambda: Listing(("deleted",), [(query,)]))


def _listing(curations: "tuple[Curation, ...]") -> Listing:
    return Listing(
        ("query", "pinned", "hidden"),
        [(one.query, " ".join(one.pinned), " ".join(one.hidden)) for one in curations],
    )
