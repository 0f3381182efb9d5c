"""The command `molt`, assembled. Every command lives in the module of its noun."""

import gc
from typing import Annotated

import typer

from molt.cli.command import DebugOption, HomeOption, JsonOption, administrative, command
from molt.cli.commands import (
    alias,
    checkpoints,
    config,
    jobs,
    swapping,
)
from molt.cli.commands.access import audit_log, keys
from molt.cli.commands.backup import backup, backups, restore
from molt.cli.commands.check import check
from molt.cli.commands.contents import analysis, collections, curations, documents, synonyms
from molt.cli.commands.contents.assistants.mcp import mcp
from molt.cli.commands.contents.explain import explain
from molt.cli.commands.contents.export import export_collection
from molt.cli.commands.contents.suggest import suggest
from molt.cli.commands.evaluate import evaluate
from molt.cli.commands.generations import generations
from molt.cli.commands.imports import import_files
from molt.cli.commands.judging import accounts, learn, pairs, relevance
from molt.cli.commands.judging.experiments import (
    show_experiments,
    start_experiment,
    stop_experiment,
)
from molt.cli.commands.models.distil import distil
from molt.cli.commands.models.inspect import inspect
from molt.cli.commands.prune import prune
from molt.cli.commands.releases import releases
from molt.cli.commands.search import search
from molt.cli.commands.serve import serve
from molt.cli.commands.train import train
from molt.cli.commands.tune import tune
from molt.cli.commands.worker import worker
from molt.cli.help import PlainGroup
from molt.cli.invocation import Invocation

_YOUNG_OBJECTS = 50_000


def _group(name: str, *, help: str) -> typer.Typer:  # noqa: A002  typer's own word
    group = typer.Typer(name=name, help=help, no_args_is_help=True, cls=PlainGroup)
    app.add_typer(group)
    return group


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it so
    if wanted:
        from molt import __version__  # noqa: PLC0415

        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    name="molt",
    cls=PlainGroup,
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
command(app, "export")(export_collection)
command(app, "search")(search)
command(app, "suggest")(suggest)
command(app, "explain")(explain)
command(app, "mcp")(mcp)
administrative(app, "train")(train)
administrative(app, "tune")(tune)
administrative(app, "distil")(distil)
administrative(app, "evaluate")(evaluate)
administrative(app, "learn")(learn.learn)
command(app, "inspect")(inspect)
administrative(app, "retrain")(swapping.retrain)
administrative(app, "tune-search")(swapping.tune_search)
administrative(app, "reload")(swapping.reload)
administrative(app, "reindex")(swapping.reindex)
administrative(app, "merge")(swapping.merge)
administrative(app, "activate")(swapping.activate)
administrative(app, "rollback")(swapping.rollback)
command(app, "check")(check)
administrative(app, "backup")(backup)
command(app, "backups")(backups)
administrative(app, "restore")(restore)
command(app, "prune")(prune)
command(app, "generations")(generations)
command(app, "releases")(releases)
command(app, "gate")(accounts.gate)

_collections = _group("collections", help="Collections: list, show, create, set, delete.")
command(_collections, "list")(collections.list_collections)
command(_collections, "show")(collections.show_collection)
administrative(_collections, "create")(collections.create_collection)
administrative(_collections, "set")(collections.set_collection)
administrative(_collections, "delete")(collections.delete_collection)

_judgments = _group("judgments", help="Judgments: list, count, export, delete.")
command(_judgments, "list")(relevance.list_judgments)
command(_judgments, "count")(relevance.count_judgments)
command(_judgments, "export")(relevance.export_judgments)
administrative(_judgments, "delete")(relevance.delete_judgments)

_queries = _group("queries", help="Queries of judgments: list, next, export.")
command(_queries, "list")(relevance.list_queries)
command(_queries, "next")(accounts.next_queries)
command(_queries, "export")(relevance.export_queries)

_pairs = _group("pairs", help="Pairs of a query and what answers it: list, count, export, delete.")
command(_pairs, "list")(pairs.list_pairs)
command(_pairs, "count")(pairs.count_pairs)
command(_pairs, "export")(pairs.export_pairs)
administrative(_pairs, "delete")(pairs.delete_pairs)

_events = _group("events", help="What users did with hits: count, delete.")
command(_events, "count")(learn.count_events)
administrative(_events, "delete")(learn.delete_events)

_documents = _group("documents", help="Documents: get, list, count, patch, delete.")
command(_documents, "get")(documents.get_documents)
command(_documents, "list")(documents.list_documents)
command(_documents, "count")(documents.count_documents)
administrative(_documents, "patch")(documents.patch_documents)
administrative(_documents, "delete")(documents.delete_documents)

_curations = _group("curations", help="Documents pinned or hidden for a query: list, set, delete.")
command(_curations, "list")(curations.list_curations)
administrative(_curations, "set")(curations.set_curation)
administrative(_curations, "delete")(curations.delete_curation)

_synonyms = _group("synonyms", help="Words that searches take for others, too: show, set.")
command(_synonyms, "show")(synonyms.show_synonyms)
administrative(_synonyms, "set")(synonyms.set_synonyms)

_analysis = _group("analysis", help="How texts become terms of the lexical index: show, set.")
command(_analysis, "show")(analysis.show_analysis)
administrative(_analysis, "set")(analysis.set_analysis)

_experiment = _group("experiment", help="Two ways to search compared by clicks: start, show, stop.")
administrative(_experiment, "start")(start_experiment)
command(_experiment, "show")(show_experiments)
administrative(_experiment, "stop")(stop_experiment)

_checkpoints = _group("checkpoints", help="Encoders: list, show, name, add, choose, remove.")
command(_checkpoints, "list")(checkpoints.list_checkpoints)
command(_checkpoints, "show")(checkpoints.show)
administrative(_checkpoints, "name")(checkpoints.name)
administrative(_checkpoints, "add")(checkpoints.add)
administrative(_checkpoints, "upgrade")(checkpoints.upgrade)
administrative(_checkpoints, "default")(checkpoints.default)
administrative(_checkpoints, "remove")(checkpoints.remove)

_alias = _group("alias", help="Other names for models: set, list, remove.")
administrative(_alias, "set")(alias.set_alias_of)
command(_alias, "list")(alias.list_aliases)
administrative(_alias, "remove")(alias.remove_alias_of)

_jobs = _group("jobs", help="What the worker was asked for: list, show, follow, cancel, dismiss.")
command(_jobs, "list")(jobs.list_jobs)
command(_jobs, "show")(jobs.show)
command(_jobs, "follow")(jobs.follow_job)
administrative(_jobs, "cancel")(jobs.cancel)
administrative(_jobs, "dismiss")(jobs.dismiss)

_keys = _group("keys", help="API keys: create, list, revoke.")
command(_keys, "create")(keys.create)
command(_keys, "list")(keys.list_keys)
administrative(_keys, "revoke")(keys.revoke)

_audit_log = _group("audit-log", help="Who administered what, and what was refused.")
command(_audit_log, "list")(audit_log.list_entries)

_config = _group("config", help="The settings in force.")
command(_config, "show")(config.show)


def main() -> None:
    """Run the command line.

    What a command loads stays, so garbage is looked for less often than Python does by default,
    which took a tenth of most commands.
    """
    gc.set_threshold(_YOUNG_OBJECTS)
    app()
