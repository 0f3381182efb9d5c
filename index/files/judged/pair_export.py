"""Exports of pairs: JSON Lines that an import reads back identically."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from molt.index.catalog.judgments import Pair
from molt.index.files.errors import SourceError
from molt.index.files.judged.export import RelevanceExportError, whole_file
from molt.index.files.objects.writing import packing, write_lines
from molt.index.files.source import open_source

_ENDS = (".jsonl", ".jsonl.gz")


def export_pairs(pairs: Sequence[Pair], target: Path) -> None:
    """Write pairs into one file of JSON Lines, compressed where its name ends in `.gz`.

    Raises `RelevanceExportError` where they would not be read back as they are, or something is
    there.
    """
    if not target.name.endswith(_ENDS):
        known = " or ".join(_ENDS)
        raise RelevanceExportError(f"{target}: of no known format; end the name in {known}")
    with whole_file(target) as file:
        with file.open("wb") as opened, packing(opened, name=file.name) as packed:
            write_lines(packed, map(pair_line, pairs))
        if any(one != found for one, found in zip_longest(pairs, _read_back(file))):
            raise RelevanceExportError(
                f"{target}: would not be read back as it was; let the name say pairs and no split, "
                "as in pairs.jsonl"
            )


def pair_line(pair: Pair) -> dict[str, Any]:
    """A line of `pairs.jsonl`; a text that would be read as a list of texts is one of a list."""
    said = {name: value for name, value in vars(pair).items() if value is not None}
    listed = (name for name in ("positive", "negative") if _looks_listed(said.get(name, "")))
    return said | {name: [said[name]] for name in listed}


def _looks_listed(text: str) -> bool:
    return text.lstrip().startswith("[")


def _read_back(path: Path) -> Iterator[object]:
    """What an import would find; a row that it would not take is what comes in its place."""
    try:
        yield from open_source(path).pairs()
    except SourceError as error:
        yield error
