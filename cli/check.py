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
    from molt.index.generations.problem import Problem


def check(call: Invocation) -> None:
    """Verify every checksum, and the catalog against the generations.

    Exits with 1 and a list where something is damaged. Leftovers of an interrupted write are
    listed too, but are no damage.
    """
    from molt.index.generations.check import check_home
    from molt.index.generations.problem import Severity

    settings = existing_home(call)
    problems = check_home(settings.home, find_flaw=_flaw, catalog_url=settings.catalog_url)
    problems += _default_problems(settings)
    damaged = any(problem.severity is Severity.DAMAGE for problem in problems)
    call.show(
        {"ok": not damaged, "problems": [_described(problem) for problem in problems]},
        lambda: _listing(problems),
    )
    if damaged:
        raise typer.Exit(1)


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


def _default_problems(settings: "Settings") -> "list[Problem]":
    """A default that names a checkpoint which is not there. A broken catalog was reported."""
    from molt.index.catalog.aliases import DEFAULT
    from molt.index.errors import CatalogError
    from molt.index.generations.problem import Problem

    try:
        with opened_catalog(settings) as catalog:
            chosen = catalog.aliases.get(DEFAULT)
    except CatalogError:
        return []
    store = checkpoint_store(settings)
    if chosen is None or chosen in store.ids():
        return []
    what = "is the default and missing; choose another with `molt checkpoints default ID`"
    return [Problem(store.root / chosen, what)]


def _described(problem: "Problem") -> dict[str, str]:
    return {"severity": problem.severity, "path": str(problem.path), "problem": problem.what}


def _listing(problems: "list[Problem]") -> Listing:
    return Listing(
        ("severity", "path", "problem"),
        [(problem.severity, problem.path, problem.what) for problem in problems],
        empty="Everything is as it was written.",
    )
