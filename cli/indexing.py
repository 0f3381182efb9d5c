"""Bringing the index of a collection up to a revision, here or by the process that indexes."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from molt.cli.edge import CommandError
from molt.cli.progress import Progress

if TYPE_CHECKING:
    from molt.engine.engine import Engine

STAGE = "indexed"


def index_up_to(
    name: str,
    *,
    revision: int,
    engine: "Engine",
    progress: Progress,
    note: Callable[[str], None],
) -> None:
    """Return once every change up to `revision` can be searched.

    Seals segments itself while no other process of the home does, else waits for that one.
    Raises `CommandError` where the documents cannot be indexed.
    """
    start = done = _indexed_revision(engine, name)
    if done < revision and not engine.indexer.acquire():
        note("Another process indexes this home; waiting until it has caught up.")
    while done < revision:
        progress.report(STAGE, done - start, total=revision - start)
        _advance(engine, name)
        done = _indexed_revision(engine, name)
    if start < revision:
        progress.finish(STAGE, revision - start)
        _note_quarantine(engine, name, note)
    while engine.indexer.acquire() and engine.indexer.index_words(only=name):
        continue
    while engine.indexer.acquire() and engine.indexer.merge(only=name):
        continue


def _advance(engine: "Engine", name: str) -> None:
    """Seal what is next, or give the process that seals a moment."""
    if not engine.indexer.acquire():
        time.sleep(engine.settings.index.poll_seconds)
        return
    advanced = engine.indexer.seal(only=name)
    problem = engine.indexer.problems().get(name)
    if problem is not None and not advanced:
        raise CommandError(f"{problem}; the documents are kept: run the command again to go on")


def _note_quarantine(engine: "Engine", name: str, note: Callable[[str], None]) -> None:
    """Tell of documents that are kept and cannot be found."""
    from molt.index.generations.description import describe_quarantine

    generation = engine.catalog.collections.get(name).generation
    if generation is not None and (aside := engine.generations.read(generation).quarantined):
        note(f"Kept, but found by no search: {describe_quarantine(aside)}.")


def _indexed_revision(engine: "Engine", name: str) -> int:
    """The revision up to which the generation on disk is complete; 0 for one to be rebuilt."""
    from molt.artifact import CorruptFileError
    from molt.index.errors import GenerationNotFoundError

    generation = engine.catalog.collections.get(name).generation
    if generation is None:
        return 0
    try:
        return engine.generations.read(generation).revision
    except (CorruptFileError, GenerationNotFoundError):
        return 0
