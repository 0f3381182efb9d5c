"""The BEIR layout: a folder with a corpus, its queries, and judgments by split."""

from pathlib import Path

from molt.index.files.errors import NothingThereError, SourceError
from molt.index.files.judged.folder import find_relevance
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
        raise NothingThereError(
            folder, "is no BEIR folder: it holds neither corpus.jsonl nor queries.jsonl nor qrels"
        )
    return tuple(parts)


def _one_of(plain: Path, packed: Path) -> list[Path]:
    present = [path for path in (plain, packed) if path.is_file()]
    if len(present) > 1:
        raise SourceError(packed, f"stands beside {plain.name}; remove the one that is outdated")
    return present
