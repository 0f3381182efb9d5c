"""`molt suggest`: how a query that is being typed may go on, as the catalog lies on disk."""

from typing import Annotated

import typer

from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_engine
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing


def suggest(
    call: Invocation,
    collection: CollectionArgument,
    prefix: Annotated[str, typer.Argument(help="What has been typed so far.")],
    *,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many suggestions.")] = 10,
) -> None:
    """Complete a query by titles, and by queries that several users have asked."""
    with opened_engine(existing_home(call)) as engine:
        engine.live_collections.refresh(collection)
        answer = engine.suggester.suggest(collection, prefix, k=k, patience=None)
    if not answer.complete:
        raise CommandError("the suggestions could not be made; `molt check` may say why")
    call.show(
        {"suggestions": [vars(one) for one in answer.found]},
        lambda: Listing(
            ("suggestion", "kind", "count"),
            [(one.text, one.kind, one.count) for one in answer.found],
            empty="No suggestions.",
        ),
    )
