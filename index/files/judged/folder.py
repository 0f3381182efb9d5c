"""A folder's queries and judgments under whatever names they have, and what nobody reads there."""

from collections.abc import Collection, Iterator
from pathlib import Path

from molt.index.files.errors import SourceError
from molt.index.files.judged.headless import layout_of
from molt.index.files.judged.names import (
    UNION,
    format_of,
    read_name,
    split_of,
    unpacked_name,
)
from molt.index.files.options import ReadOptions
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.table import find_part

_RELEVANCE = frozenset({RecordKind.QUERIES, RecordKind.JUDGMENTS, RecordKind.PAIRS})
_QRELS = "qrels"
DATASET_MARKS = ("dataset_dict.json", "dataset_info.json", "state.json", "dataset_infos.json")
"""What the library `datasets` writes beside tables, about them."""
_DATA = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".qrels", ""})
"""Ends of names of files that may be meant to be read."""


def find_relevance(folder: Path, *, taken: Collection[Path]) -> Iterator[SourcePart]:
    """Files beside those `taken` that hold queries, judgments or pairs.

    `qrels-train.tsv`, `dev_queries.jsonl` and `train.tsv` are found as well as all that lies in a
    folder `qrels`. A union of all judgments is read only where it is alone. Raises `SourceError`
    where one is there compressed and plain, or cannot be read.
    """
    found = [path for path in _files(folder) if path not in taken and _is_told(path)]
    _refuse_twins(found)
    parts = (_part_of(path) for path in found)
    told = [part for part in parts if part is not None and part.kind in _RELEVANCE]
    several = sum(part.kind is RecordKind.JUDGMENTS for part in told) > 1
    return (part for part in told if not (several and _is_union(part)))


def unread_files(folder: Path, *, taken: Collection[Path]) -> list[Path]:
    """Files and folders in a folder that look like data and were not `taken`, but for a union."""
    left = (path for path in _files(folder) if path not in taken)
    files = [path for path in left if _looks_like_data(path) and UNION not in read_name(path).words]
    return [*files, *(one for one in _folders(folder) if not _is_taken(one, taken))]


def _looks_like_data(path: Path) -> bool:
    return format_of(path) in _DATA - {""} and path.name not in DATASET_MARKS


def _folders(folder: Path) -> list[Path]:
    """Other folders in it, with what looks like data."""
    inner = (one for one in sorted(folder.iterdir()) if one.is_dir())
    others = (one for one in inner if one.name[0] != "." and one.name.lower() != _QRELS)
    return [one for one in others if any(map(_looks_like_data, one.iterdir()))]


def _is_taken(folder: Path, taken: Collection[Path]) -> bool:
    return any(folder in path.parents for path in taken)


def _files(folder: Path) -> list[Path]:
    found = [*folder.iterdir()]
    qrels = (one for one in found if one.is_dir() and one.name.lower() == _QRELS)
    found += [path for one in qrels for path in one.iterdir()]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def _is_told(path: Path) -> bool:
    """Does the name say that there are queries, judgments or pairs, or name a split alone?"""
    told = read_name(path)
    if format_of(path) not in _DATA:
        return False
    return told.kind in _RELEVANCE or (told.kind is None and told.split is not None)


def _part_of(path: Path) -> SourcePart | None:
    """A part whose place or name says what it holds, or whose columns do; else None."""
    if path.parent.name.lower() == _QRELS:
        layout_of(path, ReadOptions())  # raises for a run
        return SourcePart(path, RecordKind.JUDGMENTS, split_of(path))
    try:
        return find_part(path)
    except SourceError:
        if read_name(path).kind is None or format_of(path) == "":
            return None
        raise


def _is_union(part: SourcePart) -> bool:
    return part.kind is RecordKind.JUDGMENTS and UNION in read_name(part.path).words


def _refuse_twins(paths: Collection[Path]) -> None:
    plain: dict[Path, Path] = {}
    for path in paths:
        other = plain.setdefault(path.with_name(unpacked_name(path)), path)
        if other != path:
            raise SourceError(path, f"stands beside {other.name}; remove the one that is outdated")
