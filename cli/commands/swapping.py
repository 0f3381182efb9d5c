"""Moving pointers: by a job, from `molt retrain` to `merge`; by `activate`, `rollback` at once."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from molt.cli.asking import ask
from molt.cli.auditing import actor
from molt.cli.home import existing_home, meant_checkpoint, opened_catalog, opened_engine
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing
from molt.cli.training import ConfigOption, SetOption, require_extra

if TYPE_CHECKING:
    from molt.engine.releasing import Released
    from molt.index.jobs.job import JobKind

DetachOption = Annotated[
    bool, typer.Option("--detach", help="Ask and return; the home's worker does it.")
]


def _remark(reason: str | None) -> str | None:
    """A reason as it is; one with control characters would forge lines of lists and logs."""
    if reason and any(unicodedata.category(character) == "Cc" for character in reason):
        raise typer.BadParameter("it holds a control character; write one line of text")
    return reason


ReasonOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Why; kept in the release history.", callback=_remark),
]


def retrain(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    config: ConfigOption = None,
    setting: SetOption = None,
    promote: Annotated[
        Literal["gated", "never", "force"],
        typer.Option(help="Swap if the gate accepts, not at all, or whatever it says."),
    ] = "gated",
    reason: ReasonOption = None,
    detach: DetachOption = False,
) -> None:
    """Train, export, evaluate, gate, re-index and swap, while search goes on."""
    require_extra("retraining", "ir_measures")
    from molt.index.jobs.job import JobKind
    from molt.training.config import RetrainConfig, read_as

    chosen = read_as(RetrainConfig, config, settings=setting or ())
    if promote == "force" and not reason:
        raise typer.BadParameter("--promote force needs --reason")
    options = {
        "config": chosen.model_dump(mode="json", exclude_none=True),
        "promote": promote,
        "reason": reason,
    }
    _ask(call, JobKind.RETRAIN, collection, options, detach=detach)


def tune_search(
    call: Invocation,
    collection: CollectionArgument,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be released.")
    ] = False,
    detach: DetachOption = False,
) -> None:
    """Tune how hybrid searches fuse and re-rank by the judged queries of dev, and release that."""
    require_extra("tuning a search", "ir_measures")
    from molt.index.jobs.job import JobKind

    options = {"promote": "never" if dry_run else "gated"}
    _ask(call, JobKind.TUNE_SEARCH, collection, options, detach=detach)


def reload(
    call: Invocation,
    collection: CollectionArgument,
    checkpoint: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id of a checkpoint, its name, or how the id begins."),
    ],
    *,
    reason: ReasonOption = None,
    detach: DetachOption = False,
) -> None:
    """Re-index a collection under an existing checkpoint, then swap both together."""
    from molt.index.jobs.job import JobKind

    found = meant_checkpoint(existing_home(call), checkpoint)
    options = {"checkpoint": found} if reason is None else {"checkpoint": found, "reason": reason}
    _ask(call, JobKind.RELOAD, collection, options, detach=detach)


def reindex(
    call: Invocation,
    collection: CollectionArgument,
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Encode every text again, also unchanged ones.")
    ] = False,
    detach: DetachOption = False,
) -> None:
    """Build a collection's generation anew under the checkpoint that it has, then swap."""
    from molt.index.jobs.job import JobKind

    _ask(call, JobKind.REINDEX, collection, {"reuse": not fresh}, detach=detach)


def merge(
    call: Invocation, collection: CollectionArgument, *, detach: DetachOption = False
) -> None:
    """Fold a collection's segments into as few as can be, without what is deleted, then swap."""
    from molt.index.jobs.job import JobKind

    _ask(call, JobKind.MERGE, collection, {}, detach=detach)


def activate(
    call: Invocation,
    generation: Annotated[
        str, typer.Argument(metavar="ID", help="Id of a generation, or how it alone begins.")
    ],
    *,
    reason: ReasonOption = None,
) -> None:
    """Serve a collection from a generation that is on disk; it catches up first."""
    from molt.index.catalog.releases import Reason
    from molt.index.generations.active import meant_generation

    with opened_engine(existing_home(call)) as engine:
        why = Reason(actor(), reason or "activated")
        ids = engine.generations.ids()
        meant = meant_generation(engine.catalog, generation, ids) or generation
        _show(call, engine.releaser.activate(meant, reason=why))


def rollback(
    call: Invocation, collection: CollectionArgument, *, reason: ReasonOption = None
) -> None:
    """Serve a collection from what it was served from before."""
    from molt.index.catalog.releases import Reason

    with opened_engine(existing_home(call)) as engine:
        why = Reason(actor(), reason or "rolled back")
        _show(call, engine.releaser.rollback(collection, reason=why))


def _ask(
    call: Invocation, kind: "JobKind", collection: str, options: dict[str, Any], *, detach: bool
) -> None:
    from molt.index.jobs.job import JobRequest

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        found = catalog.collections.get(collection)
    asked = JobRequest(kind, collection, options, actor(), collection_id=found.id)
    ask(call, settings, asked, detach=detach)


def _show(call: Invocation, released: "Released") -> None:
    facts = released.to_json()
    call.show(facts, lambda: Listing(("field", "value"), list(facts.items())))
