"""`molt prune`: the checkpoints, reports and runs that nothing needs, listed and removed."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.asking import opened_queue
from molt.cli.auditing import audited
from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.artifact import Home
    from molt.worker.pruning import Superfluous

_COLUMNS = ("kind", "id", "created", "MiB")


def prune(
    call: Invocation,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Remove what would only be listed without.")
    ] = False,
    days: Annotated[
        int,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, max=36_500, help="Only what is older than that."
        ),
    ] = 0,
) -> None:
    """List the checkpoints, reports and runs that nothing needs; with --yes, remove them.

    Nothing that serves, can be rolled back to, has a name or an alias, or is used by a job is
    among them.
    """
    before = datetime.now(UTC) - timedelta(days=days) if days else None
    found, shown = _pruned(call, before=before, yes=yes)
    call.show(
        {"removed": yes, "bytes": sum(each.bytes for each in shown), "found": _described(shown)},
        lambda: Listing(_COLUMNS, [_row(each) for each in shown], empty="Everything is needed."),
    )
    if len(shown) < len(found):
        call.note(f"{len(found) - len(shown)} came to be needed meanwhile and stay.")
    if shown:
        size = f"{sum(each.bytes for each in shown) / 2**20:,.1f} MiB"
        done = f"{size} freed." if yes else f"{size}; `molt prune --yes` removes them."
        call.note(done)


def _pruned(
    call: Invocation, *, before: datetime | None, yes: bool
) -> "tuple[list[Superfluous], list[Superfluous]]":
    """What nothing needs, and what of it is told of: with `yes` only what was removed."""
    from molt.worker.pruning import Pruner

    settings, removed = existing_home(call), list[str]()
    with ExitStack() as held:
        if yes:
            removed = held.enter_context(audited(call, "molt prune", {}))
            held.enter_context(_alone(settings.layout))
        catalog = held.enter_context(opened_catalog(settings))
        pruner = Pruner(settings, catalog, held.enter_context(opened_queue(settings)))
        found, shown = pruner.survey(before=before), []
        for each in found:
            if not yes or pruner.remove(each):
                shown.append(each)
                removed.append(f"{each.kind} {each.id}")
    return found, shown


@contextmanager
def _alone(home: "Home") -> Iterator[None]:
    """Prune beside no backup, which copies what it has found before."""
    from molt.artifact import exclusive

    with ExitStack() as held:
        try:
            held.enter_context(exclusive(home.pruning_lock))
        except BlockingIOError:
            raise CommandError(
                "this home is being backed up, or pruned by another; run this again when that has "
                "ended"
            ) from None
        yield


def _described(found: "list[Superfluous]") -> list[dict[str, Any]]:
    names = ("kind", "id", "created_at", "bytes")
    return [{name: getattr(each, name) for name in names} for each in found]


def _row(one: "Superfluous") -> tuple[object, ...]:
    return (one.kind, one.id, f"{one.created_at:%F %R}", f"{one.bytes / 2**20:.1f}")
