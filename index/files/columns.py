"""The columns of a table of documents: which is the id, the title, the text, by whatever name.

Decided once for a table, by all of its columns, so that an empty cell makes no other column the
text of its row.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from molt.index.files.errors import SourceError
from molt.index.files.options import ReadOptions, canonical

IDS = (
    "_id", "id", "doc_id", "docid", "document_id", "pid", "passage_id", "corpus_id", "docno",
    "product_id", "sku", "objectid", "id_", "uuid",
)  # fmt: skip
TEXTS = (
    "text", "contents", "content", "body", "passage", "document", "description", "abstract",
    "body_html", "body_(html)", "product_description", "long_description", "short_description",
    "page_content", "summary", "overview", "selftext",
)  # fmt: skip
TITLES = ("title", "name", "headline", "subject", "product_title", "product_name")
_NAMED = 12  # columns that an error names
_SEPARATORS = re.compile(r"[^\w\s.\-\"'()]")
_WORDS = 6  # of a name of a column at most


@dataclass(frozen=True)
class DocumentColumns:
    """The columns of a table, by what they are; None where it has no such one.

    `metadata` names the only ones that metadata are made of; None for all others.
    """

    id: str | None = None
    title: str | None = None
    text: str | None = None
    metadata: frozenset[str] | None = None
    known: frozenset[str] = field(default=frozenset())

    @property
    def roles(self) -> frozenset[str]:
        """The columns that are no metadata."""
        return frozenset(filter(None, (self.id, self.title, self.text)))


def find_columns(names: Sequence[str], options: ReadOptions) -> DocumentColumns:
    """What the columns of a table of documents are; an option goes before a well-known name."""
    return _found(tuple(names), options)


def require_columns(path: Path, names: Sequence[str], options: ReadOptions) -> DocumentColumns:
    """As `find_columns`; raises `SourceError` where a column was named that is not there, or where
    none holds the text.
    """
    for wanted in options.named_columns:
        if _match(names, wanted) is None:
            raise SourceError(path, f"has no column {wanted[:80]}; it has {_listed(names)}")
    found = find_columns(names, options)
    if found.text is None and found.title is None:
        hint = "name one with --text-column"
        if {"queries", "corpus"} <= set(names):
            hint = "it holds several kinds; save them as corpus.json, queries.json and qrels.json"
        elif {"query_id", "qid"} & {*map(canonical, names)}:
            hint = "write the columns of judgments as query_id, doc_id and grade, or " + hint
        elif len(names) == 1 and (parts := _SEPARATORS.findall(names[0])):
            hint += f", or the character between cells with --delimiter '{parts[0]}'"
        elif any(map(_is_value, names)):
            hint = "the first line looks like a row; put a line before it that names the columns"
        said = f"no column is known to hold the text; it has {_listed(names)}: {hint}"
        raise SourceError(path, said)
    return found


def match_all(names: Sequence[str], wanted: Iterable[str]) -> frozenset[str]:
    """Those of the columns that are meant, in whatever case."""
    return frozenset(filter(None, (_match(names, one) for one in wanted)))


@lru_cache(maxsize=64)
def _found(names: tuple[str, ...], options: ReadOptions) -> DocumentColumns:
    chosen = None
    if options.metadata_columns is not None:
        chosen = match_all(names, options.metadata_columns)
    free = [name for name in names if name not in (chosen or ())]
    roles: dict[str, str | None] = {}
    for role, option, known in (
        ("id", options.id_column, IDS),
        ("title", options.title_column, TITLES),
        ("text", options.text_column, TEXTS),
    ):
        column = _well_known(free, known) if option is None else _match(names, option)
        roles[role] = column
        free = [name for name in free if name != column]
    return DocumentColumns(**roles, metadata=chosen, known=frozenset(names))


def _well_known(names: Sequence[str], known: Sequence[str]) -> str | None:
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(canonical(name), name)
    plain = (name for name in known if name in names)
    other = (spelled[name] for name in known if name in spelled)
    return next(plain, None) or next(other, None)


def _match(names: Sequence[str], wanted: str) -> str | None:
    if wanted in names:
        return wanted
    meant = canonical(wanted)
    return next((name for name in names if canonical(name) == meant), None)


def _is_value(name: str) -> bool:
    """Is it a number, a sentence or an address, and so hardly the name of a column?"""
    return name.replace(".", "").isdigit() or len(name.split()) > _WORDS or "://" in name


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
