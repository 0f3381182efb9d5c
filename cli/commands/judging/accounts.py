"""`molt gate`: the accounts of test splits. `molt queries next`: what to judge first."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from dataclasses import asdict
from typing import Annotated

import typer

from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing, snippet

_WIDTH = 80


def gate(call: Invocation, collection: CollectionArgument) -> None:
    """List which candidates were judged on a collection's test split, each at what level."""
    with opened_catalog(existing_home(call)) as catalog:
        accounts = catalog.accounts.list(catalog.collections.get(collection))
    shown = [
        {
            "account": account.number,
            "opened_at": account.opened_at,
            "queries": len(account.split.queries),
            "spent": [asdict(one) for one in account.spendings],
        }
        for account in accounts
    ]
    call.show(
        {"accounts": shown},
        lambda: Listing(
            _COLUMNS,
            [
                (
                    f"{one.account}, {len(account.split.queries):,} queries",
                    one.attempt,
                    f"{one.at:%F %R}",
                    one.candidate,
                    one.baseline,
                    f"{one.level:.3g}",
                    one.gained,
                    one.report,
                )
                for account in accounts
                for one in account.spendings[::-1]
            ],
            empty=f"No candidate was judged on the test split of {collection}.",
        ),
    )


_COLUMNS = ("account", "attempt", "at", "candidate", "baseline", "level", "gain", "report")


def next_queries(
    call: Invocation,
    collection: CollectionArgument,
    *,
    report: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Of this report; by default of the latest by the gate."),
    ] = None,
) -> None:
    """List what to judge first: queries that two encoders rank most differently, none judged."""
    from molt.app.routes.reports.files import load_report
    from molt.index.catalog.access.reach import Reach

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        found = catalog.collections.get(collection)
        latest = catalog.accounts.latest_report(found)
        judged = {one.query_id for one in catalog.judgments.graded(found)}
    chosen = report or latest
    if chosen is None:
        raise CommandError(
            f"no report compares two encoders on {collection}: `molt retrain {collection} "
            "--promote never` makes one, and moves nothing"
        )
    body = load_report(settings.layout.reports, chosen, Reach())
    if body["facts"]["collection"] != collection:
        raise CommandError(f"the report {chosen} is of {body['facts']['collection']}")
    left = [one for one in body.get("unjudged", []) if one["query_id"] not in judged]
    call.show(
        {"report": body["id"], "queries": left},
        lambda: Listing(
            ("query", "difference", "documents", "text"),
            [
                (
                    one["query_id"],
                    f"{one['difference']:.2f}",
                    len(one["doc_ids"]),
                    snippet(one["query"], width=_WIDTH),
                )
                for one in left
            ],
            empty=f"The report {chosen} names no query that nobody has judged: bring more with "
            "`molt import`.",
        ),
    )
