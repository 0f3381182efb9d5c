"""Output: answers on standard output, everything else on standard error.

A listing is a table on a terminal and lines of tab-separated columns elsewhere, so that it can be
cut and searched. No text of a document reaches a terminal with control characters in it.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import typer

_WORDS = {None: "-", True: "yes", False: "no"}


@dataclass(frozen=True)
class Listing:
    """Rows under named columns; `empty` is what is said where there are none."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    empty: str = "Nothing to list."


@dataclass(frozen=True)
class MarkedText:
    """A cell whose characters in `marks`, by start and end, are bold on a terminal."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return self.text


def write_json(value: object) -> None:
    """Write one JSON value as one line."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE), nl=False)
    sys.stdout.flush()


def write_listing(listing: Listing) -> None:
    """Write a table on a terminal, tab-separated lines elsewhere."""
    if not listing.rows:
        write_note(listing.empty)
    elif sys.stdout.isatty():
        _write_table(listing)
    else:
        for row in (listing.columns, *listing.rows):
            typer.echo("\t".join(printable(cell) for cell in row))


def write_note(message: str) -> None:
    """Write a line for a human reader on standard error."""
    typer.echo(printable(message), err=True)


def write_error(message: str) -> None:
    """Write why a command failed on standard error."""
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {_lines(message)}", err=True)


def printable(value: object) -> str:
    """A value as one line; control characters, which could steer a terminal, become spaces."""
    text = _WORDS[value] if value is None or isinstance(value, bool) else str(value)
    return "".join(char if char.isprintable() else " " for char in text)


def snippet(text: str, *, width: int) -> str:
    """The beginning of a text on one line, at most `width` characters."""
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def _lines(message: str) -> str:
    return "\n".join(printable(line) for line in message.splitlines())


def _write_table(listing: Listing) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*listing.columns, box=SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True  # an id is copied from here
    for row in listing.rows:
        shown = [Text(printable(cell), overflow="fold") for cell in row]
        for text, cell in zip(shown, row, strict=True):
            for start, end in cell.marks if isinstance(cell, MarkedText) else ():
                text.stylize("bold", start, end)
        table.add_row(*shown)
    Console().print(table)
