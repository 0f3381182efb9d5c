"""The BEIR layout: a folder with a corpus, its queries, and judgments by split."""

from pathlib import Path

from molt.index.files.errors import SourceError
from molt.index.files.part import RecordKind, SourcePart

_NAMES = {
    "corpus": RecordKind.DOCUMENTS,
    "queries": RecordKind.QUERIES,
    "pairs": RecordKind.PAIRS,
}

LAYOUT = frozenset((*_NAMES, "qrels"))
"""How the files and folders of the layout are called, without their endings."""


def find_parts(folder: Path) -> tuple[SourcePart, ...]:
    """What a BEIR folder holds: `corpus.jsonl`, `queries.jsonl`, `pairs.jsonl` (each may end in
    `.gz`) and `qrels/<split>.tsv`.

    `qrels/all.tsv` is the union of the splits and is read only where it is alone. Raises
    `SourceError` where none of them is there.
    """
    parts = [
        SourcePart(path, kind)
        for stem, kind in _NAMES.items()
        for path in _one_of(folder / f"{stem}.jsonl", folder / f"{stem}.jsonl.gz")
    ]
    parts += [
        SourcePart(path, RecordKind.JUDGMENTS, _split(path)) for path in _qrels(folder / "qrels")
    ]
    if not parts:
        raise SourceError(
            folder, "is no BEIR folder: it holds neither corpus.jsonl nor queries.jsonl nor qrels"
        )
    return tuple(parts)


def _one_of(plain: Path, packed: Path) -> list[Path]:
    present = [path for path in (plain, packed) if path.is_file()]
    if len(present) > 1:
        raise SourceError(packed, f"stands beside {plain.name}; remove the one that is outdated")
    return present


def _qrels(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*.tsv") if path.is_file())
    return [path for path in found if path.stem != "all"] or found


def _split(path: Path) -> str | None:
    return None if path.stem == "all" else path.stem
