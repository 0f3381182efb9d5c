"""`molt check`: everything on disk against its checksums, and the catalog against the index."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from molt.cli.home import checkpoint_store, existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.engine.settings import Settings
    from molt.index.generations.check import HomeProblem


def check(call: Invocation) -> None:
    """Verify every checksum, and the catalog against the generations.

    Exits with 1 and a list where something is damaged. Leftovers of an interrupted write and
    documents that cannot be encoded are listed too, but are no damage.
    """
    from molt.index.generations.check import Severity, check_home

    settings = _home(call)
    problems = check_home(
        settings.layout,
        find_flaw=_flaw,
        catalog_url=settings.catalog_url,
        jobs_url=settings.jobs,
    )
    damaged = any(problem.severity is Severity.DAMAGE for problem in problems)
    if not damaged:
        problems += (missing := _default_problems(settings))
        damaged = bool(missing)
    call.show(
        {"ok": not damaged, "problems": [_described(problem) for problem in problems]},
        lambda: _listing(problems),
    )
    if damaged:
        raise typer.Exit(1)


def _home(call: Invocation) -> "Settings":
    """The settings of a home, though its catalog may be what is missing of it."""
    settings = call.settings()
    return settings if settings.layout.generations.is_dir() else existing_home(call)


def _flaw(path: Path) -> str | None:
    """What is wrong with the checkpoint in a directory."""
    from molt.artifact import ArtifactError
    from molt.encoder.errors import EncoderError
    from molt.encoder.store import CheckpointStore

    try:
        CheckpointStore(path.parent).open(path.name)
    except (ArtifactError, EncoderError, OSError) as error:
        return str(error)
    return None


def _default_problems(settings: "Settings") -> "list[HomeProblem]":
    """Aliases of checkpoints that are not there. A broken catalog was reported."""
    from molt.engine.models.names import aliased_checkpoints
    from molt.index.catalog.aliases import DEFAULT
    from molt.index.errors import CatalogError
    from molt.index.generations.check import HomeProblem

    try:
        with opened_catalog(settings) as catalog:
            named = aliased_checkpoints(catalog, settings)
    except CatalogError:
        return []
    store = checkpoint_store(settings)
    present = set(store.ids())
    whats = {
        checkpoint: "is the default and missing; choose another with `molt checkpoints default ID`"
        if name == DEFAULT
        else f"is what the alias {name!r} stands for, and missing; choose another model for it"
        for checkpoint, name in named.items()
        if checkpoint not in present
    }
    return [HomeProblem(store.root / checkpoint, what) for checkpoint, what in whats.items()]


def _described(problem: "HomeProblem") -> dict[str, str]:
    return {"severity": problem.severity, "path": str(problem.path), "problem": problem.what}


def _listing(problems: "list[HomeProblem]") -> Listing:
    return Listing(
        ("severity", "path", "problem"),
        [(problem.severity, problem.path, problem.what) for problem in problems],
        empty="Everything is as it was written.",
    )
