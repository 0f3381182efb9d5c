"""`molt analysis`: how the texts of a collection become terms of its lexical index."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.collection import Collection

WordsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Words, one a line."),
]


def show_analysis(call: Invocation, collection: CollectionArgument) -> None:
    """Show how the texts of a collection become terms, and whether its index follows that yet."""
    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        found = catalog.collections.get(collection)
    _show(call, found, lexical=settings.layout.lexical)


def set_analysis(  # noqa: PLR0913  each by name
    call: Invocation,
    collection: CollectionArgument,
    *,
    language: Annotated[
        str | None,
        typer.Option(help="Whose endings and stop words go, as german; none leaves all there."),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            "--weight",
            metavar="FIELD=NUMBER",
            help="Let title, or a field of the metadata, count beside the text.",
        ),
    ] = None,
    stop_words: WordsOption = None,
    compounds: WordsOption = None,
    accents: Annotated[
        bool, typer.Option("--accents", help="Let letters with accents be others.")
    ] = False,
) -> None:
    """Analyse a collection so, by default where nothing is said; its index is made anew.

    The server does that in the background, or the next that starts.
    """
    from molt.index.lexical.analysis import parse_analysis, write_analysis

    given: dict[str, Any] = {"weights": dict(map(_weight, weight or ())), "fold": not accents}
    if language is not None:
        given["language"] = language
    for name, path in (("stop_words", stop_words), ("compounds", compounds)):
        if path is not None:
            given[name] = _words(path)
    analysis = parse_analysis(given)
    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        changed = catalog.collections.analyse(collection, write_analysis(analysis))
    _show(call, changed, lexical=settings.layout.lexical)


def _weight(given: str) -> tuple[str, float]:
    field, _, number = given.rpartition("=")
    try:
        if field:
            return field, float(number)
    except ValueError:
        pass
    wrong = f"is {given!r}; write a field and a number, as title=2"
    raise typer.BadParameter(wrong, param_hint="--weight")


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is no UTF-8; save it as that") from None


def _show(call: Invocation, collection: "Collection", *, lexical: Path) -> None:
    from molt.engine.live.leg import NO_LEG, follows_analysis
    from molt.index.lexical.analysis import read_analysis
    from molt.index.lexical.commit import LexicalStore

    analysis = read_analysis(collection.analysis)
    followed = follows_analysis(LexicalStore(lexical), collection, NO_LEG)
    described = analysis.describe()
    shown = described | {
        "stop_words": "those of the language"
        if analysis.stop_words is None
        else len(analysis.stop_words),
        "compounds": len(analysis.compounds),
        "weights": ", ".join(f"{name}={value:g}" for name, value in analysis.weights.items()),
    }
    call.show(
        {"analysis": described, "analysis_followed": followed},
        lambda: Listing(("setting", "value"), [*shown.items(), ("followed", followed)]),
    )
