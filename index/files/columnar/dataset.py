"""Folders of tables: what `datasets` saves to disk, and trees of Parquet."""

import re
from pathlib import Path

from molt.index.files.compression import bare_suffix
from molt.index.files.judged.folder import DATASET_MARKS
from molt.index.files.judged.names import read_name, split_of
from molt.index.files.options import ReadOptions
from molt.index.files.part import SPLIT_KINDS, RecordKind, SourcePart
from molt.index.files.table import find_part

_ENDS = (".arrow", ".parquet")
_LINES = (".jsonl", ".ndjson", ".csv", ".tsv")
_DIGITS = re.compile(r"[0-9]+")


def find_dataset(folder: Path, options: ReadOptions) -> tuple[SourcePart, ...]:
    """The tables of a folder that a dataset was saved to, or that has Parquet below it.

    A table is of the kind that the name of its folder says, else of that which the first one has
    whose name differs in digits only. A split is named by the table, or by a folder around it.
    Raises `SourceError` where that first one cannot be read.
    """
    kinds: dict[tuple[Path, str], RecordKind] = {}
    found = []
    for path in _tables(folder):
        shards = (path.parent, _DIGITS.sub("", path.name))
        if shards not in kinds:
            told = _told_by_place(path, folder)
            kinds[shards] = told or find_part(path, options).kind
        found.append(_part(path, kinds[shards], folder))
    return tuple(found)


def find_tables_below(folder: Path, options: ReadOptions) -> tuple[SourcePart, ...]:
    """The tables of any format in the folders of a folder, as repositories of data have them.

    Each is of the kind that the name of its folder says, else of its own. Raises `SourceError`.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if bare_suffix(path) in _LINES and path.is_file() and not _is_hidden(path, folder)
    )
    return tuple(
        _part(path, _told_by_place(path, folder) or find_part(path, options).kind, folder)
        for path in found
    )


def find_named_tables(folder: Path) -> tuple[SourcePart, ...]:
    """The tables below a folder that lie where the name of a folder says what they hold."""
    told = ((path, _told_by_place(path, folder)) for path in _tables(folder))
    return tuple(_part(path, kind, folder) for path, kind in told if kind is not None)


def _tables(folder: Path) -> list[Path]:
    marked = any((folder / mark).is_file() for mark in DATASET_MARKS)
    ends = _ENDS if marked else _ENDS[1:]
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ends and path.is_file() and not _is_hidden(path, folder)
    )


def _told_by_place(path: Path, folder: Path) -> RecordKind | None:
    return None if path.parent == folder else read_name(path.parent).kind


def _part(path: Path, kind: RecordKind, folder: Path) -> SourcePart:
    if kind not in SPLIT_KINDS:
        return SourcePart(path, kind)
    above = path.relative_to(folder).parents
    by_folder = (read_name(folder / place).split for place in above if place.name)
    return SourcePart(path, kind, split_of(path) or next(filter(None, by_folder), None))


def _is_hidden(path: Path, folder: Path) -> bool:
    """`datasets` keeps what it computed in files called cache-…, git in folders with a dot."""
    names = path.relative_to(folder).parts
    return path.name.startswith("cache-") or any(name.startswith(".") for name in names)
