"""`molt pairs`: query texts with what answers them and what does not: listed, exported, deleted."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.commands.judging.relevance import note_more, show_exported
from molt.cli.edge import CommandError
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing, snippet

if TYPE_CHECKING:
    from molt.index.catalog.judging.pairs import PairSelection

_OfQuery = Annotated[
    str | None, typer.Option("--query", metavar="TEXT", help="Only those of this query.")
]
_OfKind = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="Only positive, contrast or scored ones."),
]
_OfSplit = Annotated[
    str | None,
    typer.Option(
        "--split", metavar="NAME", help="Only those of this split; `none`: those without one."
    ),
]
_WIDTH = 60


def list_pairs(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    *,
    query: _OfQuery = None,
    kind: _OfKind = None,
    split: _OfSplit = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many at most.")] = (
        100
    ),
) -> None:
    """List pairs with the ids that they are deleted by."""
    with opened_catalog(existing_home(call)) as catalog:
        chosen = _selection(None, query, kind, split)
        found = catalog.pairs.page(catalog.collections.get(collection), chosen, limit=limit + 1)
    shown = found[:limit]
    call.show(
        {
            "pairs": [{"id": one.id, **vars(one.pair)} for one in shown],
            "more": len(found) > limit,
        },
        lambda: Listing(
            ("id", "query", "positive", "document", "negative", "score", "split"),
            [
                (
                    one.id,
                    _short(one.pair.query),
                    _short(one.pair.positive),
                    one.pair.doc_id,
                    _short(one.pair.negative),
                    one.pair.score,
                    one.pair.split,
                )
                for one in shown
            ],
            empty="No such pairs.",
        ),
    )
    note_more(call, len(found), limit)


def count_pairs(call: Invocation, collection: CollectionArgument) -> None:
    """Count pairs by what they say."""
    with opened_catalog(existing_home(call)) as catalog:
        counts = catalog.judgments.counts(catalog.collections.get(collection))
    kinds = {kind.value: count for kind, count in counts.pair_kinds.items()}
    call.show(
        {"pairs": counts.pairs, "kinds": kinds},
        lambda: Listing(("kind", "count"), [*kinds.items(), ("all", counts.pairs)]),
    )


def export_pairs(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A new .jsonl or .jsonl.gz file.")],
    *,
    query: _OfQuery = None,
    kind: _OfKind = None,
    split: _OfSplit = None,
) -> None:
    """Write pairs into a file that an import reads back identically."""
    from molt.index.files.judged.pair_export import export_pairs as write_pairs

    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.pairs.page(
            catalog.collections.get(collection),
            _selection(None, query, kind, split),
            limit=_ALL,
        )
    write_pairs([one.pair for one in found], path)
    show_exported(call, path, {"pairs": len(found)})


def delete_pairs(  # noqa: PLR0913  typer reads a command's options from its parameters
    call: Invocation,
    collection: CollectionArgument,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Ids, as the list shows them.")
    ] = None,
    *,
    query: _OfQuery = None,
    kind: _OfKind = None,
    split: _OfSplit = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete pairs by their ids, or those of a query, of a kind, of a split."""
    chosen = [_selection(one, query, kind, split) for one in (ids or (None,))]
    if any(one.is_all for one in chosen):
        raise CommandError("name what to delete: ids, --query, --kind, --split, or several")
    with opened_catalog(existing_home(call)) as catalog:
        found = catalog.collections.get(collection)
        if not yes:
            typer.confirm(f"Delete pairs of {collection}?", abort=True, err=True)
        deleted = sum(catalog.pairs.delete(found, one) for one in chosen)
    call.show({"deleted": deleted}, lambda: Listing(("deleted",), [(deleted,)]))


_ALL = 2**31 - 1


def _selection(
    pair_id: str | None, query: str | None, kind: str | None, split: str | None
) -> "PairSelection":
    from molt.index.catalog.judging.pairs import PairSelection
    from molt.index.catalog.judgments import PairKind

    if kind is not None and kind not in tuple(PairKind):
        raise CommandError(f"--kind takes {', '.join(PairKind)}, not {kind}")
    return PairSelection(pair_id, query, None if kind is None else PairKind(kind), split)


def _short(text: str | None) -> str | None:
    return None if text is None else snippet(text, width=_WIDTH)
