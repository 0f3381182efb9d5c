"""How files are to be read: the options of `molt import`, and the bad rows."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.edge import CommandError
from molt.cli.invocation import Invocation
from molt.cli.output import write_json, write_note
from molt.cli.remarks import remark

if TYPE_CHECKING:
    from molt.index.files import RowError
    from molt.index.files.options import ReadOptions

MOST_ALIKE = 20
"""So many errors of one kind are written out; the others are counted."""
_MOST_WRITTEN = 200
_VARYING = re.compile(r"\d+")

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="csv, tsv, jsonl, json, parquet, arrow or xlsx, whatever the names of the files.",
    ),
]
EncodingOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Encoding of text files, as cp1252.")
]
DelimiterOption = Annotated[
    str | None, typer.Option(metavar="CHAR", help="What separates cells; tab for a tab.")
]
QuotingOption = Annotated[
    str | None,
    typer.Option(
        metavar="KIND", help="standard: cells may stand in quotation marks; none: they never do."
    ),
]
IdOption = Annotated[
    str | None, typer.Option("--id-column", metavar="NAME", help="Column with the ids.")
]
TitleOption = Annotated[
    str | None, typer.Option("--title-column", metavar="NAME", help="Column with the titles.")
]
TextOption = Annotated[
    str | None, typer.Option("--text-column", metavar="NAME", help="Column with the texts.")
]
MetadataOption = Annotated[
    str | None,
    typer.Option(
        "--metadata-columns",
        metavar="NAMES",
        help="The only columns to keep as metadata, separated by commas.",
    ),
]
NumberOption = Annotated[
    list[str] | None,
    typer.Option(
        "--number",
        metavar="NAME",
        help="A column of numbers as people write them (1.234,50); may be given several times.",
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="train, dev or test: the split of judgments and pairs whose file names none.",
    ),
]
StripOption = Annotated[
    bool, typer.Option("--strip-html", help="Remove HTML from titles and texts.")
]


@dataclass
class Rejected:
    """Names each bad row on standard error when it comes, twenty of a kind, and counts them."""

    call: Invocation
    count: int = field(default=0, init=False)
    _alike: Counter[tuple[Path, str]] = field(default_factory=Counter, init=False)
    _written: int = field(default=0, init=False)

    def __call__(self, error: "RowError") -> None:
        """One more bad row."""
        self.count += 1
        alike = error.path, _VARYING.sub("#", error.kind)
        self._alike[alike] += 1
        if self._alike[alike] <= MOST_ALIKE and self._written < _MOST_WRITTEN:
            self._written += 1
            write_note(str(error))
        if self.call.json:
            said = {"path": str(error.path), "line": error.line, "reason": error.reason}
            write_json({"event": "bad_row"} | said)

    def conclude(self) -> None:
        """Say how many bad rows there were, and of which kinds those were that were not named."""
        if not self.count:
            return
        for (path, kind), count in self._alike.items():
            if count > MOST_ALIKE:
                write_note(f"{path}: and {count - MOST_ALIKE:,} more rows like this: {kind}")
        if self._written < min(self.count, _MOST_WRITTEN) or self._written == self.count:
            write_note(f"Bad rows left out: {self.count}; see above.")
        else:
            write_note(f"Bad rows left out: {self.count:,}, of which the first are named above.")


def read_options(  # noqa: PLR0913  each is one of the command's
    call: Invocation,
    *,
    named: str | None,
    encoding: str | None,
    delimiter: str | None,
    quoting: str | None,
    roles: Sequence[str | None],
    metadata: str | None,
    numbers: Sequence[str] | None,
    strip_html: bool,
    split: str | None,
) -> "ReadOptions":
    """The options as files are read by them; what is guessed is said. Raises `CommandError`."""
    from molt.index.catalog.judging.split_name import SplitName, read_split
    from molt.index.files.options import Quoting, ReadOptions, told_once
    from molt.index.files.table import READERS
    from molt.index.files.text.markup import Markup

    known = sorted(end.removeprefix(".") for end in READERS)
    if named is not None and named.lower().removeprefix(".") not in known:
        raise CommandError(f"there is no format {named}; --format takes {', '.join(known)}")
    if quoting is not None and quoting not in tuple(Quoting):
        raise CommandError(f"--quoting takes {' or '.join(Quoting)}, not {quoting}")
    if split is not None and read_split(split) is None:
        raise CommandError(f"--split takes {', '.join(SplitName)}, not {split}")
    ids, titles, texts = roles
    options = ReadOptions(
        format=named,
        encoding=encoding,
        delimiter=delimiter,
        quoting=None if quoting is None else Quoting(quoting),
        id_column=ids,
        title_column=titles,
        text_column=texts,
        metadata_columns=None if metadata is None else _names(metadata),
        number_columns=tuple(name for given in numbers or () for name in _names(given)),
        markup=Markup.STRIPPED if strip_html else Markup.KEPT,
        split=split,
        tell=partial(remark, call),
    )
    return told_once(options)


def _names(given: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in given.split(","))))
