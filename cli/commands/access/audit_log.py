"""`molt audit-log`: who administered what, when, and how it ended."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

_COLUMNS = ("at", "actor", "key", "action", "target", "outcome", "detail")
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


def list_entries(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    *,
    actor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this key, or this user, did.")
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only this, as 'molt keys create' or a route."),
    ] = None,
    outcome: Annotated[
        Literal["done", "failed", "refused"] | None, typer.Option(help="Only what ended so.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="From then on.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Before then.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, of the newest.")] = 50,
) -> None:
    """List what was administered and what was refused, newest first; times are in UTC."""
    from molt.index.catalog.access.audit import AuditFilter, Outcome, describe_entry

    wanted = AuditFilter(
        actor=actor,
        action=action,
        outcome=None if outcome is None else Outcome(outcome),
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
    )
    with opened_catalog(existing_home(call)) as catalog:
        rows = [describe_entry(one) for one in catalog.audit.page(wanted, limit=limit)]
    call.show(
        {"entries": rows},
        lambda: Listing(
            _COLUMNS,
            [(f"{row['at']:%F %T}", *(row[name] for name in _COLUMNS[1:])) for row in rows],
            empty="Nothing was administered that is still known.",
        ),
    )
