"""Names of files: what `train_queries.jsonl` or `qrels.dev.tsv` says before it is opened."""

import re
from dataclasses import dataclass
from pathlib import Path

from molt.index.catalog.judging.split_name import KNOWN_SPLITS
from molt.index.files.compression import is_packed
from molt.index.files.part import RecordKind

_TRIPLES = {"triplets", "triples", "qidpidtriples"}
_WORDS = {
    RecordKind.JUDGMENTS: {"qrels", "qrel", "judgments", "judgements"},
    RecordKind.QUERIES: {"queries", "topics", "topic"},
    RecordKind.PAIRS: {"pairs", *_TRIPLES, "scores"},
    RecordKind.DOCUMENTS: {"corpus", "collection", "documents", "docs", "passages"},
}
UNION = "all"
"""The name of a file that holds the judgments of all splits."""
_BETWEEN = re.compile(r"[._\-\s]+")


@dataclass(frozen=True)
class FileName:
    """The kind of record and the split that a name tells; None where it tells neither.

    `words` are the parts of the name between dots, dashes and underscores, in lower case.
    """

    kind: RecordKind | None
    split: str | None
    words: tuple[str, ...]

    @property
    def says_triples(self) -> bool:
        """Does it say that rows have a query, what answers it and what does not?"""
        return not _TRIPLES.isdisjoint(self.words)


def read_name(path: Path) -> FileName:
    """What a file's name says. A folder `qrels` says it of all that lies there."""
    words = tuple(_BETWEEN.split(unpacked_name(path).lower()))
    plain = {word.strip("0123456789") for word in words}
    kind = next((kind for kind, known in _WORDS.items() if known & plain), None)
    if kind is None and path.parent.name.lower() == "qrels":
        kind = RecordKind.JUDGMENTS
    split = next((KNOWN_SPLITS[word].value for word in words if word in KNOWN_SPLITS), None)
    return FileName(kind, split, words)


def split_of(path: Path) -> str | None:
    """The split of the judgments or pairs in a file: one that its name holds.

    In a folder `qrels` any other name is the name of a split as well, unless it says that all
    judgments are there.
    """
    told = read_name(path)
    if told.split is not None or path.parent.name.lower() != "qrels":
        return told.split
    nameless = {*_WORDS[RecordKind.JUDGMENTS], UNION} & {*told.words}
    return None if nameless else path.name.split(".", 1)[0]


def format_of(path: Path) -> str:
    """The end of a name that tells the format, in lower case, without what tells compression."""
    return Path(unpacked_name(path)).suffix.lower()


def unpacked_name(path: Path) -> str:
    """The name of a file without what tells how it is compressed."""
    return path.stem if is_packed(path) else path.name
