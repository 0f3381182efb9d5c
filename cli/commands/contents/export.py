"""`molt export`: a collection as files that `molt import` reads again."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.rows.exporting import CollectionRecords

_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


def export_collection(
    call: Invocation,
    collection: CollectionArgument,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|FILE|-",
            help="A new folder; or, for documents alone, a .jsonl or .jsonl.gz file or -.",
        ),
    ],
    *,
    gzip: Annotated[bool, typer.Option("--gzip", help="Compress what lies in the folder.")] = False,
) -> None:
    """Write a collection as it is at this moment: a BEIR folder, or its documents as lines."""
    from molt.index.catalog.rows.exporting import reading_records

    with (
        opened_catalog(existing_home(call)) as catalog,
        reading_records(catalog.database, collection) as records,
    ):
        field = records.collection.expiry_field
        if field is not None:
            call.note(
                f"An export holds no settings: documents expire by {field!r} here; say so of the "
                f"collection that it becomes: `molt collections set NAME --expiry-field {field}`"
            )
        if str(target) == "-":
            _write_lines(records)
            return
        suffix = ".jsonl.gz" if gzip else ".jsonl"
        lines = target.name.endswith(_LINES)
        counts = _write_file(records, target) if lines else _write_folder(records, target, suffix)
    call.show(
        {"path": str(target), **counts}, lambda: Listing(("kind", "count"), [*counts.items()])
    )


def _write_lines(records: "CollectionRecords") -> None:
    from molt.index.files.export import beir_document
    from molt.index.files.objects.writing import write_lines

    write_lines(sys.stdout.buffer, map(beir_document, records.documents()))
    sys.stdout.flush()


def _write_file(records: "CollectionRecords", target: Path) -> dict[str, int]:
    from molt.artifact import publish_file
    from molt.index.files.export import beir_document
    from molt.index.files.objects.writing import packing, write_lines

    with publish_file(target) as file, packing(file, name=target.name) as packed:
        return {"documents": write_lines(packed, map(beir_document, records.documents()))}


def _write_folder(records: "CollectionRecords", target: Path, suffix: str) -> dict[str, int]:
    from molt.artifact import publish_directory
    from molt.index.files.export import write_folder

    try:
        with publish_directory(target) as folder:
            return write_folder(records, folder, suffix=suffix)
    except FileExistsError:
        raise CommandError(f"{target} exists already; name a folder that does not") from None
