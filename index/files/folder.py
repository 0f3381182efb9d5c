"""Folders that users bring: which of the known layouts one has, and the parts that it consists of.

The BEIR layout is a corpus, its queries, and judgments by split.
Reads first rows and no more.
"""

from contextlib import suppress
from pathlib import Path

from molt.index.files.columnar.dataset import find_dataset, find_named_tables, find_tables_below
from molt.index.files.compression import bare_suffix
from molt.index.files.errors import NothingThereError, SourceError
from molt.index.files.judged.folder import find_relevance
from molt.index.files.judged.names import read_name
from molt.index.files.options import ReadOptions
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.table import READERS, find_part

_LISTED = 5
_NAMES = {
    "corpus": RecordKind.DOCUMENTS,
    "queries": RecordKind.QUERIES,
    "pairs": RecordKind.PAIRS,
}

_LAYOUT = frozenset((*_NAMES, "qrels"))
"""How the files and folders of the layout are called, without their endings."""


def folder_parts(folder: Path, options: ReadOptions) -> tuple[SourcePart, ...]:
    """What a folder holds: a BEIR corpus, a saved dataset, or files that are read one by one.

    Raises `SourceError` where there is nothing that can be read.
    """
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    beir = any(map(_is_of_layout, files))
    found = _laid_out(folder) if beir else find_dataset(folder, options)
    if found and (not beir or any(part.kind is RecordKind.DOCUMENTS for part in found)):
        return found
    taken = {part.path for part in found}
    rows = (path for path in files if path not in taken and bare_suffix(path) in READERS)
    tables = tuple(
        find_part(path, options)
        for path in rows
        if path.is_file() and (not beir or read_name(path).kind is RecordKind.DOCUMENTS)
    )
    taken |= {part.path for part in tables}
    if beir:
        more = [part for part in find_named_tables(folder) if part.path not in taken]
    else:
        more = [*find_relevance(folder, taken=taken)]
    return (*found, *tables, *more) or find_tables_below(folder, options) or _beir_parts(folder)


def _is_of_layout(path: Path) -> bool:
    """A file or a folder of the BEIR layout; other folders may have such names in datasets."""
    name = path.name.split(".", 1)[0]
    return (name in _LAYOUT and path.is_file()) or (path.is_dir() and name.lower() == "qrels")


def _laid_out(folder: Path) -> tuple[SourcePart, ...]:
    with suppress(NothingThereError):
        return _beir_parts(folder)
    return ()


def _beir_parts(folder: Path) -> tuple[SourcePart, ...]:
    """What a BEIR folder holds: `corpus.jsonl`, `queries.jsonl`, `pairs.jsonl` (each may end in
    `.gz`), `qrels/<split>.tsv`, and queries, judgments and pairs under other names.

    Raises `SourceError` where there is none of them.
    """
    parts = [
        SourcePart(path, kind)
        for stem, kind in _NAMES.items()
        for path in _one_of(folder / f"{stem}.jsonl", folder / f"{stem}.jsonl.gz")
    ]
    parts += find_relevance(folder, taken={part.path for part in parts})
    if not parts:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        there = f"; there are {', '.join(names[:_LISTED])}" if names else "; it is empty"
        raise NothingThereError(
            folder,
            "is no BEIR folder, as it holds neither corpus.jsonl nor queries.jsonl nor qrels, and "
            f"has no file of a known format{there}",
        )
    return tuple(parts)


def _one_of(plain: Path, packed: Path) -> list[Path]:
    present = [path for path in (plain, packed) if path.is_file()]
    if len(present) > 1:
        raise SourceError(packed, f"stands beside {plain.name}; remove the one that is outdated")
    return present
