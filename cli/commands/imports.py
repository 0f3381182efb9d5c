"""`molt import`: files into a collection, until all of it can be searched. Can be interrupted."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.acquisition import ensure_default
from molt.cli.edge import INTERRUPTED
from molt.cli.home import opened_engine
from molt.cli.indexing import index_up_to
from molt.cli.invocation import Invocation
from molt.cli.loading import load
from molt.cli.output import Listing, write_json, write_note
from molt.cli.progress import Progress, shown_progress

if TYPE_CHECKING:
    from molt.engine.settings import Settings
    from molt.index.catalog.catalog import Catalog
    from molt.index.catalog.collections import Collection
    from molt.index.files import RowError, Source


def import_files(
    call: Invocation,
    collection: Annotated[
        str, typer.Argument(help="Name of the collection; it is made where it is missing.")
    ],
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="BEIR folders, JSONL, CSV or Parquet files."),
    ],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")] = False,
) -> None:
    """Import documents, queries, judgments and pairs, and index them.

    Interrupted, it goes on where it stopped when the same command is run again.
    """
    rejected = Rejected(call)
    sources = _opened(paths, None if strict else rejected)
    settings = call.settings()
    ensure_default(call, settings)
    try:
        with shown_progress(call) as progress:
            done = _imported(call, collection, sources, settings=settings, progress=progress)
    except KeyboardInterrupt:
        write_note("Interrupted. What was written is kept: run the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    done |= {"bad_rows": rejected.count}
    call.show({"event": "done", "collection": collection} | done, lambda: _listing(done))
    if rejected.count:
        write_note(f"Bad rows left out: {rejected.count}; see above.")
        raise typer.Exit(1)


@dataclass
class Rejected:
    """Names each bad row on standard error when it comes, and counts them."""

    call: Invocation
    count: int = field(default=0, init=False)

    def __call__(self, error: "RowError") -> None:
        """One more bad row."""
        self.count += 1
        write_note(str(error))
        if self.call.json:
            write_json({"event": "bad_row", "path": str(error.path), "line": error.line})


def _opened(paths: Sequence[Path], reject: "Callable[[RowError], None] | None") -> "list[Source]":
    from molt.index.files import open_source

    return [open_source(path, **({} if reject is None else {"reject": reject})) for path in paths]


def _imported(
    call: Invocation,
    name: str,
    sources: "Sequence[Source]",
    *,
    settings: "Settings",
    progress: Progress,
) -> dict[str, int]:
    """Load every source and index it; how many records of each kind, and the revision reached."""
    with opened_engine(settings) as engine:
        counts = load(
            sources,
            catalog=engine.catalog,
            collection=_found_or_made(engine.catalog, name),
            progress=progress,
        )
        revision = engine.catalog.collections.get(name).revision
        index_up_to(name, revision=revision, engine=engine, progress=progress, note=call.note)
    return counts | {"revision": revision}


def _found_or_made(catalog: "Catalog", name: str) -> "Collection":
    from molt.index.errors import CollectionExistsError

    try:
        return catalog.collections.create(name)
    except CollectionExistsError:
        return catalog.collections.get(name)


def _listing(done: dict[str, int]) -> Listing:
    return Listing(tuple(name.replace("_", " ") for name in done), [tuple(done.values())])
