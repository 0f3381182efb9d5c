"""Layouts without a header: what the lines of a file are, where no first line names columns.

TREC's qrels, topics and runs, and the tables of MS MARCO. Told by the first lines, and by the
name of the file where the lines alone could be anything.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from molt.index.files.errors import SourceError
from molt.index.files.judged.names import FileName, read_name
from molt.index.files.part import RecordKind

_NAMED = frozenset(
    re.findall(
        r"\S+",
        "_id id docid doc_id doc-id document_id corpus-id corpus_id pid qid query-id query_id text "
        "query queries question title content contents body passage document name description url "
        "score grade relevance rel label split metadata positive negative anchor answer",
    )
)
"""What first cells are called where they name columns."""
_TREC = ("query_id", "", "doc_id", "grade")
_SHORT = ("query_id", "doc_id", "grade")
ID_TRIPLE = ("query_id", "doc_id", "not_doc_id")
"""The ids of a query, of a document that answers it, and of one that does not."""
_LONG_DOCUMENT = ("id", "url", "title", "text")
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?", re.ASCII)
_ITERATION = re.compile(r"-?\d{1,9}|Q0", re.ASCII | re.IGNORECASE)
_TOPIC = re.compile(r"<(top|topics?)(\s[^>]*)?>", re.IGNORECASE)
STRUCTURED = frozenset({".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".xls", ".arrow"})
"""Ends of names of files that say themselves what their columns are."""


@dataclass(frozen=True)
class Layout:
    """The columns of a line, in order, and how it is cut into them.

    Empty names are of columns that say nothing. A layout without columns is that of topics.
    """

    name: str
    kind: RecordKind
    columns: tuple[str, ...]
    cut: Callable[[str], list[str]]


def find_layout(path: Path, lines: Sequence[str]) -> Layout | None:
    """The layout of a file without a header, by its first lines; None where it has another one.

    Raises `SourceError` for a run, which says what an engine found and not what is relevant.
    """
    told = [line for line in lines if line.strip()]
    if not told:
        return None
    name = read_name(path)
    if _TOPIC.match(told[0].strip()) or (told[0].startswith("<?xml") and _has_topic(told)):
        return Layout("TREC topics", RecordKind.QUERIES, (), _whole)
    if _is_run(told, name):
        raise SourceError(
            path,
            "is a TREC run: it says what an engine found, not what is relevant; bring the qrels "
            "that it was judged by",
        )
    return _judgments(told, name) or _texts(told, name) or _triples(told, name)


def _has_topic(lines: Sequence[str]) -> bool:
    return any(_TOPIC.match(line.strip()) for line in lines)


def _is_run(lines: Sequence[str], name: FileName) -> bool:
    """Query, Q0, document, rank, score and the name of the engine; MS MARCO: query, document, rank.

    The short form says no more than qrels do, so only the name of the file can tell.
    """
    cells = [line.split() for line in lines]
    short = not {"run", "runs"}.isdisjoint(name.words) and name.kind is None
    return all(_is_ranked(one) or (short and _is_short(one)) for one in cells)


def _is_ranked(cells: Sequence[str]) -> bool:
    return (
        len(cells) == 6
        and _ITERATION.fullmatch(cells[1]) is not None
        and _WHOLE.fullmatch(cells[3]) is not None
        and _NUMBER.fullmatch(cells[4]) is not None
    )


def _judgments(lines: Sequence[str], name: FileName) -> Layout | None:
    """Query, iteration, document, grade; without the iteration where the name says what it is."""
    says_so = name.kind is RecordKind.JUDGMENTS
    for cut in (_by_tab, _by_blank, _by_comma):
        if cut is _by_comma and not says_so:
            continue
        if _most(lines, cut, _is_trec):
            return Layout("TREC qrels", RecordKind.JUDGMENTS, _TREC, cut)
        if says_so and _most(lines, cut, _is_short):
            return Layout("qrels without a header", RecordKind.JUDGMENTS, _SHORT, cut)
    return None


def _texts(lines: Sequence[str], name: FileName) -> Layout | None:
    """Ids and texts, where the name says of what and the first line names no columns."""
    if name.kind not in {RecordKind.QUERIES, RecordKind.DOCUMENTS}:
        return None
    if name.kind is RecordKind.DOCUMENTS and len(_by_tab(lines[0])) == 4:
        if "://" not in _by_tab(lines[0])[1]:
            return None
        return Layout("MS MARCO documents", RecordKind.DOCUMENTS, _LONG_DOCUMENT, _by_tab)
    if "\t" not in lines[0] and name.kind is RecordKind.DOCUMENTS:
        return None
    cut = _by_first_tab if "\t" in lines[0] else _by_comma
    first = cut(lines[0])
    if len(first) != 2 or not _is_data(first):
        return None
    return Layout(f"{name.kind.value} without a header", name.kind, ("id", "text"), cut)


def _triples(lines: Sequence[str], name: FileName) -> Layout | None:
    """Query, what answers it and what does not, as texts or ids, where the name says so."""
    cells = _by_tab(lines[0])
    if not name.says_triples or len(cells) != 3:
        return None
    if all(_WHOLE.fullmatch(cell) for cell in cells):
        return Layout("triples of ids", RecordKind.JUDGMENTS, ID_TRIPLE, _by_tab)
    if any(cell.lower() in _NAMED or not cell or _WHOLE.fullmatch(cell) for cell in cells):
        return None
    columns = ("query", "positive", "negative")
    return Layout("triples without a header", RecordKind.PAIRS, columns, _by_tab)


def _is_data(cells: Sequence[str]) -> bool:
    """An id and a text, and not the names of columns: no name is known, and ids have digits."""
    if any(cell.strip().lower() in _NAMED for cell in cells):
        return False
    return any(char.isdigit() for char in cells[0]) and " " not in cells[0].strip()


def _is_trec(cells: Sequence[str]) -> bool:
    return (
        len(cells) == 4
        and _ITERATION.fullmatch(cells[1]) is not None
        and _NUMBER.fullmatch(cells[3]) is not None
    )


def _is_short(cells: Sequence[str]) -> bool:
    return len(cells) == 3 and _NUMBER.fullmatch(cells[2]) is not None


def _most(
    lines: Sequence[str], cut: Callable[[str], list[str]], fits: Callable[[Sequence[str]], bool]
) -> bool:
    """The first line fits, and most of the others; bad ones among them are named when read."""
    return fits(cut(lines[0])) and 2 * sum(fits(cut(line)) for line in lines) > len(lines)


def _by_tab(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")]


def _by_first_tab(line: str) -> list[str]:
    return line.split("\t", 1)


def _by_blank(line: str) -> list[str]:
    return line.split()


def _by_comma(line: str) -> list[str]:
    return next(csv.reader([line]), [])


def _whole(line: str) -> list[str]:
    return [line]
