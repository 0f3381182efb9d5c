"""The command `molt`, assembled. Every command lives in the module of its noun."""

from typing import Annotated

import typer

from molt.cli.command import DebugOption, HomeOption, JsonOption, command
from molt.cli.commands import checkpoints, collections, config, jobs, keys, swapping
from molt.cli.commands.backup import backup, backups, restore
from molt.cli.commands.check import check
from molt.cli.commands.distil import distil
from molt.cli.commands.evaluate import evaluate
from molt.cli.commands.generations import generations
from molt.cli.commands.imports import import_files
from molt.cli.commands.releases import releases
from molt.cli.commands.search import search
from molt.cli.commands.serve import serve
from molt.cli.commands.train import train
from molt.cli.commands.tune import tune
from molt.cli.commands.worker import worker
from molt.cli.invocation import Invocation


def _group(name: str, *, help: str) -> typer.Typer:  # noqa: A002  typer's own word
    group = typer.Typer(name=name, help=help, no_args_is_help=True)
    app.add_typer(group)
    return group


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it so
    if wanted:
        from molt import __version__  # noqa: PLC0415

        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    name="molt",
    help="Semantic search whose encoder can be replaced while it serves.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    context: typer.Context,
    *,
    home: HomeOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: Annotated[  # noqa: ARG001  its callback answers
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Semantic search whose encoder can be replaced while it serves."""
    context.obj = Invocation(home=home, json=json, debug=debug)


command(app, "serve")(serve)
command(app, "worker")(worker)
command(app, "import")(import_files)
command(app, "search")(search)
command(app, "train")(train)
command(app, "tune")(tune)
command(app, "distil")(distil)
command(app, "evaluate")(evaluate)
command(app, "retrain")(swapping.retrain)
command(app, "reload")(swapping.reload)
command(app, "reindex")(swapping.reindex)
command(app, "merge")(swapping.merge)
command(app, "activate")(swapping.activate)
command(app, "rollback")(swapping.rollback)
command(app, "check")(check)
command(app, "backup")(backup)
command(app, "backups")(backups)
command(app, "restore")(restore)
command(app, "generations")(generations)
command(app, "releases")(releases)

_collections = _group("collections", help="List, create and delete collections.")
command(_collections, "list")(collections.list_collections)
command(_collections, "create")(collections.create_collection)
command(_collections, "delete")(collections.delete_collection)

_checkpoints = _group("checkpoints", help="Encoders: list, show, add, upgrade, choose, remove.")
command(_checkpoints, "list")(checkpoints.list_checkpoints)
command(_checkpoints, "show")(checkpoints.show)
command(_checkpoints, "add")(checkpoints.add)
command(_checkpoints, "upgrade")(checkpoints.upgrade)
command(_checkpoints, "default")(checkpoints.default)
command(_checkpoints, "remove")(checkpoints.remove)

_jobs = _group("jobs", help="What the worker was asked for: list, show, follow, cancel.")
command(_jobs, "list")(jobs.list_jobs)
command(_jobs, "show")(jobs.show)
command(_jobs, "follow")(jobs.follow_job)
command(_jobs, "cancel")(jobs.cancel)

_keys = _group("keys", help="API keys: create, list, revoke.")
command(_keys, "create")(keys.create)
command(_keys, "list")(keys.list_keys)
command(_keys, "revoke")(keys.revoke)

_config = _group("config", help="The settings in force.")
command(_config, "show")(config.show)


def main() -> None:
    """Run the command line."""
    app()
