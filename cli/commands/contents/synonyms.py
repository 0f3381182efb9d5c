"""`molt synonyms`: words that searches of a collection take for others, too."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.catalog.judging.synonyms import KeptRules
    from molt.index.lexical.synonyms import SynonymRule

RulesArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Lines as Solr has them, or JSON in a file whose name ends in .json.",
    ),
]


def show_synonyms(call: Invocation, collection: CollectionArgument) -> None:
    """Show the synonyms of a collection, a rule a line."""
    with opened_catalog(existing_home(call)) as catalog:
        kept = catalog.synonyms.named(collection)
    _show(call, kept)


def set_synonyms(call: Invocation, collection: CollectionArgument, file: RulesArgument) -> None:
    """Replace the synonyms of a collection by those of a file; an empty one takes them away."""
    from molt.index.lexical.synonyms import write_synonyms

    settings, rules = existing_home(call), _rules_of(file)
    with opened_catalog(settings) as catalog:
        kept = catalog.synonyms.put(collection, write_synonyms(rules))
    _show(call, kept)


def _rules_of(file: Path) -> "tuple[SynonymRule, ...]":
    """The rules in a file. Raises `typer.BadParameter`."""
    import orjson

    from molt.index.errors import InvalidFieldError
    from molt.index.lexical.synonyms import parse_synonym_lines, parse_synonyms

    try:
        content = file.read_bytes().decode("utf-8-sig")
        if file.suffix.lower() != ".json":
            return parse_synonym_lines(content)
        value = orjson.loads(content)
        return parse_synonyms(value.get("synonyms") if isinstance(value, dict) else value)
    except (InvalidFieldError, ValueError) as error:  # no UTF-8 and no JSON are the latter
        raise typer.BadParameter(f"{file}: {error}", param_hint="FILE") from None


def _show(call: Invocation, kept: "KeptRules") -> None:
    from molt.index.lexical.synonyms import read_synonyms

    rules = read_synonyms(kept.rules)
    described = {"version": kept.version, "synonyms": [rule.describe() for rule in rules]}
    call.show(
        described,
        lambda: Listing(
            ("words", "find"),
            [
                (", ".join(one.asked), "each other" if one.mutual else ", ".join(one.found))
                for one in rules
            ],
            empty="No synonyms yet; `molt synonyms set COLLECTION FILE` keeps some.",
        ),
    )
