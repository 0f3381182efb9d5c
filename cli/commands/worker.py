"""`molt worker`: runs the jobs of a home."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import os
from typing import Annotated

import typer

from molt.cli.invocation import Invocation
from molt.cli.output import Listing


def worker(
    call: Invocation,
    *,
    supervised: Annotated[
        bool, typer.Option("--supervised", help="End when standard input does, as with a parent.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only say, by the exit status, whether the worker of the home lives."
        ),
    ] = False,
) -> None:
    """Run the jobs of a home until SIGINT or SIGTERM; `molt serve` starts one by itself."""
    if check:
        from molt.worker.liveness import require_worker

        require_worker(call.settings().layout)
        call.show({"worker": "alive"}, lambda: Listing(("worker",), [("alive",)]))
        return
    from molt.engine.settings import misspelt_variables
    from molt.engine.telemetry.logs import configure_logs
    from molt.worker.worker import log, work

    settings = call.settings()
    settings.layout.make()
    configure_logs(settings.log)
    if not supervised:  # whoever supervises has said it
        for said in misspelt_variables(os.environ):
            log.warning("settings.variable_unknown", reason=said)
    work(settings, supervised=supervised)
