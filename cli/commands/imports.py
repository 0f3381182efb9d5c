"""`molt import`: files into a collection, until all of it can be searched. Can be interrupted."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.acquisition import ensure_default
from molt.cli.auditing import audit_done
from molt.cli.edge import INTERRUPTED, interruptible
from molt.cli.fetching import fetched
from molt.cli.home import opened_catalog, opened_engine
from molt.cli.indexing import index_up_to
from molt.cli.invocation import MEANT, Invocation
from molt.cli.loading import load
from molt.cli.output import Listing, write_note
from molt.cli.progress import Progress, shown_progress
from molt.cli.reading import (
    DelimiterOption,
    EncodingOption,
    FormatOption,
    IdOption,
    MetadataOption,
    NumberOption,
    QuotingOption,
    Rejected,
    SplitOption,
    StripOption,
    TextOption,
    TitleOption,
    read_options,
)
from molt.cli.remarks import note_remarks, note_unknown
from molt.cli.surveying import show_survey

if TYPE_CHECKING:
    from molt.engine.settings import Settings
    from molt.index.catalog.catalog import Catalog
    from molt.index.catalog.collection import Collection
    from molt.index.files import RowError, Source
    from molt.index.files.options import ReadOptions

TargetArgument = Annotated[
    str, typer.Argument(help="Name of the collection; it is made where it is missing."), MEANT
]
PathsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...",
        help="Files and folders: BEIR, JSON, CSV, TSV, Parquet, Arrow, spreadsheets; - for "
        "standard input; hf://owner/name with the train extra.",
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be imported; write nothing.")
]

NoWaitOption = Annotated[
    bool, typer.Option("--no-wait", help="Only keep it; what serves the home indexes it.")
]


def import_files(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: TargetArgument,
    paths: PathsArgument,
    *,
    strict: StrictOption = False,
    dry_run: DryRunOption = False,
    no_wait: NoWaitOption = False,
    named: FormatOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    quoting: QuotingOption = None,
    id_column: IdOption = None,
    title_column: TitleOption = None,
    text_column: TextOption = None,
    metadata_columns: MetadataOption = None,
    number: NumberOption = None,
    strip_html: StripOption = False,
    split: SplitOption = None,
) -> None:
    """Import documents, queries, judgments and pairs, and index them.

    Interrupted, it goes on where it stopped when the same command is run again.
    """
    options = read_options(
        call,
        named=named,
        encoding=encoding,
        delimiter=delimiter,
        quoting=quoting,
        roles=(id_column, title_column, text_column),
        metadata=metadata_columns,
        numbers=number,
        strip_html=strip_html,
        split=split,
    )
    rejected = Rejected(call)
    with fetched(paths, named=named) as files:
        if dry_run:
            show_survey(call, files, options, rejected)
        else:
            reading = Reading(files, options, None if strict else rejected)
            done = _import(call, collection, reading, wait=not no_wait)
            done |= {"bad_rows": rejected.count}
            call.show({"event": "done", "collection": collection} | done, lambda: _listing(done))
    rejected.conclude()
    if rejected.count:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Reading:
    """What to read, and how; without `reject` the first bad row ends it."""

    paths: Sequence[Path]
    options: "ReadOptions"
    reject: "Callable[[RowError], None] | None"

    def sources(self) -> "list[Source]":
        """Every path as a source. Raises `SourceError`."""
        from molt.index.files import open_source

        reject = {} if self.reject is None else {"reject": self.reject}
        sources = [open_source(path, options=self.options, **reject) for path in self.paths]
        parts = [part for source in sources for part in source.parts]
        for source in sources:
            source.ids.add(parts)
        return sources


def _import(call: Invocation, collection: str, reading: Reading, *, wait: bool) -> dict[str, int]:
    sources = reading.sources()
    settings = call.settings()
    if wait:
        ensure_default(call, settings)
    try:
        with interruptible(), shown_progress(call) as progress:
            loading = Loading(call, collection, sources, progress)
            done = _indexed(loading, settings) if wait else _kept(loading, settings)
    except KeyboardInterrupt:
        write_note("Interrupted. What was written is kept: run the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    note_remarks(call, sources)
    return done


@dataclass(frozen=True)
class Loading:
    """What is loaded into the collection `name`, and where its progress is told."""

    call: Invocation
    name: str
    sources: "Sequence[Source]"
    progress: Progress

    def into(self, catalog: "Catalog") -> dict[str, int]:
        """Load it; how many records of each kind, and the revision reached, 0 for none."""
        made = cache(partial(_found_or_made, self.call, catalog, self.name))
        counts = load(self.sources, catalog=catalog, collection=made, progress=self.progress)
        if not any(counts.values()):
            self.call.note("Nothing was imported.")
            return counts | {"revision": 0}
        found = catalog.collections.get(self.name)
        note_unknown(self.call, catalog, found)
        return counts | {"revision": found.revision}


def _indexed(loading: Loading, settings: "Settings") -> dict[str, int]:
    """Load it, and return when all of it can be searched."""
    note, progress = loading.call.note, loading.progress
    with opened_engine(settings) as engine:
        counts = loading.into(engine.catalog)
        revision = counts["revision"]
        if any(counts.values()):
            index_up_to(
                loading.name, revision=revision, engine=engine, progress=progress, note=note
            )
    return counts


def _kept(loading: Loading, settings: "Settings") -> dict[str, int]:
    """Load it, which needs no checkpoint."""
    with opened_catalog(settings) as catalog:
        counts = loading.into(catalog)
    if any(counts.values()):
        loading.call.note("Kept. `molt serve` indexes it; so does this command without --no-wait.")
    return counts


def _found_or_made(call: Invocation, catalog: "Catalog", name: str) -> "Collection":
    from molt.index.errors import CollectionExistsError

    try:
        made = catalog.collections.create(name)
    except CollectionExistsError:
        return catalog.collections.get(name)
    audit_done(call, "molt import", {"collection": name})
    return made


def _listing(done: dict[str, int]) -> Listing:
    return Listing(tuple(name.replace("_", " ") for name in done), [tuple(done.values())])
