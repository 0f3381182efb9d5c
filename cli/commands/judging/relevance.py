"""`molt judgments` and `molt queries`: what is kept of relevance, listed, exported and deleted."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing, snippet

if TYPE_CHECKING:
    from molt.index.catalog.judging.pages import Selection

_OfQuery = Annotated[
    str | None, typer.Option("--query", metavar="ID", help="Only those of this query.")
]
_OfSplit = Annotated[
    str | None,
    typer.Option(
        "--split", metavar="NAME", help="Only those of this split; `none`: those without one."
    ),
]
_OfSource = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="NAME", help="Only those learnt from this: `clicks`, by `molt learn`."
    ),
]
_Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many at most.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_WIDTH = 80


def list_judgments(  # noqa: PLR0913  typer reads options from parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    query: _OfQuery = None,
    split: _OfSplit = None,
    source: _OfSource = None,
    limit: _Limit = 100,
) -> None:
    """List judgments in the order of their query ids and document ids."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.judged.judgments(
            catalog.collections.get(collection), _selection(query, split, source), limit=limit + 1
        )
    shown = found[:limit]
    call.show(
        {"judgments": [vars(one) for one in shown], "more": len(found) > limit},
        lambda: Listing(
            ("query", "document", "grade", "split"),
            [(one.query_id, one.doc_id, one.grade, one.split) for one in shown],
            empty="No such judgments.",
        ),
    )
    note_more(call, len(found), limit)


def count_judgments(call: Invocation, collection: CollectionArgument) -> None:
    """Count queries, pairs, and judgments by split, and those that name nothing that is there."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        counts = catalog.judgments.counts(found)
        unknown = {
            "unknown queries": catalog.judgments.unknown_queries(found).judgments,
            "unknown documents": catalog.judgments.unknown_documents(found).judgments,
        }
    rows: list[tuple[str, int]] = [("queries", counts.queries), ("judgments", counts.judgments)]
    rows += [(f"judgments of {split or 'no split'}", n) for split, n in counts.splits.items()]
    rows += [(f"judgments of {what}", n) for what, n in unknown.items() if n]
    rows.append(("pairs", counts.pairs))
    rows += [(f"pairs: {kind}", count) for kind, count in counts.pair_kinds.items()]
    call.show(
        {"queries": counts.queries, "judgments": counts.judgments, "pairs": counts.pairs}
        | {"pair_kinds": {kind.value: count for kind, count in counts.pair_kinds.items()}}
        | {"splits": [{"split": split, "judgments": n} for split, n in counts.splits.items()]}
        | {name.replace(" ", "_"): count for name, count in unknown.items()},
        lambda: Listing(("what", "count"), rows),
    )


def delete_judgments(  # noqa: PLR0913  typer reads options from parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    query: _OfQuery = None,
    split: _OfSplit = None,
    source: _OfSource = None,
    yes: _Yes = False,
) -> None:
    """Delete the judgments of a query, of a split, or learnt from a source."""
    chosen = _selection(query, split, source)
    if chosen.is_all:
        raise CommandError("name what to delete: --query, --split, --source, or several")
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        if not yes:
            typer.confirm(f"Delete judgments of {collection}?", abort=True, err=True)
        deleted = catalog.judged.delete_judgments(found, chosen)
    call.show({"deleted": deleted}, lambda: Listing(("deleted",), [(deleted,)]))


def export_judgments(  # noqa: PLR0913  typer reads options from parameters
    call: Invocation,
    collection: CollectionArgument,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A new .jsonl, .csv or .tsv file; any other name is a new BEIR folder.",
        ),
    ],
    *,
    query: _OfQuery = None,
    split: _OfSplit = None,
    source: _OfSource = None,
) -> None:
    """Write judgments into files that an import reads back identically.

    A folder gets the queries as well, and a file for each split.
    """
    from molt.index.files.judged import export

    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        chosen = _selection(query, split, source)
        judgments = catalog.judged.judgments(found, chosen, limit=_ALL)
        asked = {one.query_id for one in judgments}
        queries = catalog.judgments.queries(found)
    if path.suffix.lower() in {".jsonl", ".csv", ".tsv"}:
        export.export_judgments(judgments, path)
        done: dict[str, Any] = {"judgments": len(judgments)}
    else:
        own = [one for one in queries if chosen.is_all or one.id in asked]
        export.export_folder(own, judgments, path)
        done = {"queries": len(own), "judgments": len(judgments)}
    show_exported(call, path, done)


def list_queries(
    call: Invocation, collection: CollectionArgument, *, split: _OfSplit = None, limit: _Limit = 100
) -> None:
    """List queries in the order of their ids; of a split, those that are judged in it."""
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.judged.queries(
            catalog.collections.get(collection), split=split, limit=limit + 1
        )
    shown = found[:limit]
    call.show(
        {"queries": [vars(one) for one in shown], "more": len(found) > limit},
        lambda: Listing(
            ("query", "text"),
            [(one.id, snippet(one.text, width=_WIDTH)) for one in shown],
            empty="No such queries.",
        ),
    )
    note_more(call, len(found), limit)


def export_queries(
    call: Invocation,
    collection: CollectionArgument,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A new .jsonl file.")],
    *,
    split: _OfSplit = None,
) -> None:
    """Write queries into a file that an import reads back identically."""
    from molt.index.files.judged import export

    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        queries = catalog.judged.queries(found, split=split, limit=_ALL)
    export.export_queries(queries, path)
    show_exported(call, path, {"queries": len(queries)})


_ALL = 2**31 - 1


def _selection(query: str | None, split: str | None, source: str | None) -> "Selection":
    from molt.index.catalog.judging.pages import Selection

    return Selection(query, split, source)


def note_more(call: Invocation, found: int, limit: int) -> None:
    """Say that a list was cut, where one more than its limit was found."""
    if found > limit:
        call.note(f"There are more than {limit}; pass --limit for more, or export them.")


def show_exported(call: Invocation, path: Path, done: dict[str, Any]) -> None:
    """Show where an export is, and how much it holds."""
    call.show(
        {"path": str(path)} | done,
        lambda: Listing(("path", *done), [(path, *done.values())]),
    )
