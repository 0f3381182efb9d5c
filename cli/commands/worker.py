"""`molt worker`: runs the jobs of a home."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import Annotated

import typer

from molt.cli.invocation import Invocation


def worker(
    call: Invocation,
    *,
    supervised: Annotated[
        bool, typer.Option("--supervised", help="End when standard input does, as with a parent.")
    ] = False,
) -> None:
    """Run the jobs of a home until SIGINT or SIGTERM; `molt serve` starts one by itself."""
    from molt.engine.logs import configure_logs
    from molt.worker.worker import work

    settings = call.settings()
    settings.layout.make()
    configure_logs(settings.log)
    work(settings, supervised=supervised)
