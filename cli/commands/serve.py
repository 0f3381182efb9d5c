"""`molt serve`: the web service, after a first start has seen to a checkpoint."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import Annotated

import typer

from molt.cli.acquisition import ensure_default
from molt.cli.invocation import Invocation


def serve(
    call: Invocation,
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address to bind.  By default 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port to bind.  By default 8080.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Serving processes.  By default 1.")
    ] = None,
    no_worker: Annotated[
        bool,
        typer.Option(
            "--no-worker", help="Only read; other processes of this home index and run its jobs."
        ),
    ] = False,
) -> None:
    """Serve search and embeddings over HTTP until SIGINT or SIGTERM."""
    flags = {"index": {"seal": False}, "worker": {"start": False}} if no_worker else {}
    settings = call.settings(host=host, port=port, workers=workers, **flags)
    ensure_default(call, settings)
    from molt.app.server import serve as run_server

    run_server(settings)
