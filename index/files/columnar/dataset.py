"""Folders of tables: what `datasets` saves to disk, and trees of Parquet."""

from pathlib import Path

from molt.index.files.part import RecordKind, SourcePart

_MARKS = ("dataset_dict.json", "dataset_info.json", "state.json")
_ENDS = (".arrow", ".parquet")


def find_dataset(folder: Path) -> tuple[SourcePart, ...]:
    """The tables of a folder that a dataset was saved to, all of them documents; else nothing.

    A folder that has Parquet below it and no table of another format beside it is one, too.
    """
    marked = any((folder / mark).is_file() for mark in _MARKS)
    ends = _ENDS if marked else _ENDS[1:]
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ends and path.is_file() and not _is_hidden(path, folder)
    )
    return tuple(SourcePart(path, RecordKind.DOCUMENTS) for path in found)


def _is_hidden(path: Path, folder: Path) -> bool:
    """`datasets` keeps what it computed in files called cache-…, git in folders with a dot."""
    names = path.relative_to(folder).parts
    return path.name.startswith("cache-") or any(name.startswith(".") for name in names)
