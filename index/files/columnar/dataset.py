"""Folders of tables: what `datasets` saves to disk, and trees of Parquet."""

import re
from pathlib import Path

from molt.index.files.errors import ScoredTextsError
from molt.index.files.judged.names import read_name, split_of
from molt.index.files.options import ReadOptions
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.table import find_part

_MARKS = ("dataset_dict.json", "dataset_info.json", "state.json")
_ENDS = (".arrow", ".parquet")
_DIGITS = re.compile(r"[0-9]+")


def find_dataset(folder: Path, options: ReadOptions) -> tuple[SourcePart, ...]:
    """The tables of a folder that a dataset was saved to, or that has Parquet below it.

    A table is of the kind that the name of its folder says, else of that which the first one has
    whose name differs in digits only. Texts with scores are left out beside others. Raises
    `SourceError` where that first one cannot be read.
    """
    kinds: dict[tuple[Path, str], RecordKind | ScoredTextsError] = {}
    found = []
    for path in _tables(folder):
        shards = (path.parent, _DIGITS.sub("", path.name))
        if shards not in kinds:
            kinds[shards] = _kind_of(path, folder, options)
        kind = kinds[shards]
        if not isinstance(kind, ScoredTextsError):
            found.append(_part(path, kind))
    if not found:
        for scored in kinds.values():
            if isinstance(scored, ScoredTextsError):
                raise scored
    return tuple(found)


def find_named_tables(folder: Path) -> tuple[SourcePart, ...]:
    """The tables below a folder that lie where the name of a folder says what they hold."""
    told = ((path, _told_by_place(path, folder)) for path in _tables(folder))
    return tuple(_part(path, kind) for path, kind in told if kind is not None)


def _tables(folder: Path) -> list[Path]:
    marked = any((folder / mark).is_file() for mark in _MARKS)
    ends = _ENDS if marked else _ENDS[1:]
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ends and path.is_file() and not _is_hidden(path, folder)
    )


def _kind_of(path: Path, folder: Path, options: ReadOptions) -> RecordKind | ScoredTextsError:
    try:
        return _told_by_place(path, folder) or find_part(path, options).kind
    except ScoredTextsError as error:
        return error


def _told_by_place(path: Path, folder: Path) -> RecordKind | None:
    return None if path.parent == folder else read_name(path.parent).kind


def _part(path: Path, kind: RecordKind) -> SourcePart:
    return SourcePart(path, kind, split_of(path) if kind is RecordKind.JUDGMENTS else None)


def _is_hidden(path: Path, folder: Path) -> bool:
    """`datasets` keeps what it computed in files called cache-…, git in folders with a dot."""
    names = path.relative_to(folder).parts
    return path.name.startswith("cache-") or any(name.startswith(".") for name in names)
