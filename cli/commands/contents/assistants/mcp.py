"""`molt mcp`: a running server's documents as tools of a language model."""

import os
from importlib.util import find_spec
from typing import Annotated

import typer

from molt.cli.commands.contents.assistants.remote import RemoteServer
from molt.cli.edge import CommandError
from molt.cli.invocation import Invocation

KEY_VARIABLE = "MOLT_API_KEY"


def mcp(
    _call: Invocation,
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where Molt serves.")] = (
        "http://127.0.0.1:8080"
    ),
    collection: Annotated[
        str, typer.Option("--collection", help="The collection that is meant where none is named.")
    ] = "default",
) -> None:
    """Let a language model search and read, by the Model Context Protocol over stdio."""
    if not url.startswith(("http://", "https://")):
        raise CommandError(
            f"--url {url} is no address of a server; it begins with http:// or https://"
        )
    if find_spec("mcp") is None:
        raise CommandError("molt mcp needs the mcp extra: `pip install 'molt-search[mcp]'`")
    from molt.cli.commands.contents.assistants.tools import tools_server  # noqa: PLC0415  only this command needs it

    tools_server(RemoteServer(url, os.environ.get(KEY_VARIABLE)), collection=collection).run()
