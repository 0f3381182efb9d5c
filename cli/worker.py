"""`molt worker`: runs the jobs of a home."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.invocation import Invocation

if TYPE_CHECKING:
    from molt.engine.settings import Settings
    from molt.worker.context import Orders


def worker(
    call: Invocation,
    *,
    leash: Annotated[
        bool, typer.Option("--leash", help="End when standard input does, as with a parent.")
    ] = False,
) -> None:
    """Run the jobs of a home until SIGINT or SIGTERM; `molt serve` starts one by itself."""
    from molt.engine.logs import configure_logs
    from molt.worker.worker import work

    settings = call.settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    configure_logs(settings.log)
    work(orders_of(settings), leashed=leash)


def orders_of(settings: "Settings") -> "Orders":
    """What the settings say of the worker."""
    from molt.worker.context import Orders

    return Orders(
        home=settings.home,
        catalog_url=settings.catalog,
        jobs_url=settings.jobs,
        runtime=settings.encoder.runtime,
        threads=settings.encoder.threads,
        batch_documents=settings.index.batch_documents,
        watch_seconds=settings.watch.seconds,
        niceness=settings.worker.niceness,
    )
