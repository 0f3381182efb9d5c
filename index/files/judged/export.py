"""Exports: queries and judgments as files that an import reads back identically.

A file or a folder appears whole under its name or not at all, and is read back before it does.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, zip_longest
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

import orjson

from molt.artifact import publish_directory, sync_directory
from molt.index.catalog.judging.split_name import SplitName
from molt.index.catalog.judgments import Judgment, Query
from molt.index.errors import IndexingError
from molt.index.files.errors import SourceError
from molt.index.files.judged.names import format_of
from molt.index.files.part import RecordKind
from molt.index.files.source import Source, open_source

_QUERIES = "queries.jsonl"
_REST = "qrels"
"""The name of the file whose judgments name their split themselves, or have none."""
_Write = Callable[[Path, Sequence[Judgment]], None]


class RelevanceExportError(IndexingError):
    """An export that cannot be made under that name; the message says what to do."""


def export_judgments(judgments: Sequence[Judgment], target: Path) -> None:
    """Write judgments into one file: JSON Lines, CSV or TSV by the end of its name.

    Raises `RelevanceExportError` where such a file could not be read back as it was, or is there.
    """
    write = _WRITERS.get(format_of(target))
    if write is None or target.suffix.lower() != format_of(target):
        known = ", ".join(_WRITERS)
        raise RelevanceExportError(f"{target}: of no known format; end the name in one of {known}")
    with whole_file(target) as file:
        write(file, judgments)
        wrong = _difference(judgments, _read_back(file, Source.judgments))
        if wrong is not None:
            raise RelevanceExportError(
                f"{target}: {wrong} would be read back otherwise; end the name in .jsonl, and let "
                "it name no split"
            )


def export_queries(queries: Iterable[Query], target: Path) -> None:
    """Write queries into one file of JSON Lines, as BEIR has them.

    Raises `RelevanceExportError` where the file would not be read back as queries, or is there.
    """
    if target.suffix.lower() != ".jsonl":
        raise RelevanceExportError(f"{target}: of no known format; end the name in .jsonl")
    with whole_file(target) as file:
        _write_queries(file, queries)
        if not _holds_queries(file):
            raise RelevanceExportError(
                f"{target}: would not be read back as queries; put the word queries in its name, "
                f"as in {target.stem}-queries.jsonl"
            )


def export_folder(queries: Iterable[Query], judgments: Sequence[Judgment], target: Path) -> None:
    """Write queries and judgments into a folder in the BEIR layout, a file for each split.

    A split whose ids a table does not keep is written as JSON Lines. Raises
    `RelevanceExportError` where something is there already.
    """
    try:
        with publish_directory(target) as folder:
            _write_queries(folder / _QUERIES, queries)
            write_qrels(folder / "qrels", judgments)
    except FileExistsError:
        raise _taken(target) from None


def write_qrels(folder: Path, judgments: Sequence[Judgment]) -> None:
    """Make a folder of judgments, a file for each split, that is read back as it was."""
    folder.mkdir()
    for name, own in _by_file(judgments):
        _write_split(folder, name, own)


def _write_split(folder: Path, name: str, judgments: Sequence[Judgment]) -> None:
    table = folder / f"{name}.tsv"
    (_write_beir if name != _REST else _write_tsv)(table, judgments)
    if _difference(judgments, _read_back(table, Source.judgments)) is not None:
        table.unlink()
        _write_jsonl(folder / f"{name}.jsonl", judgments)


def _by_file(judgments: Sequence[Judgment]) -> Iterator[tuple[str, list[Judgment]]]:
    """Judgments by the name of their file: a split has its own, and all others share one."""
    known = {name.value for name in SplitName}

    def file_of(one: Judgment) -> str:
        return one.split if one.split in known else _REST

    for name, own in groupby(sorted(judgments, key=file_of), key=file_of):
        yield name, list(own)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A file of this name in a hidden folder beside it, which is moved out when it is whole."""
    if target.exists():
        raise _taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    working = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with publish_directory(working) as folder:
            yield folder / target.name
        (working / target.name).rename(target)
        sync_directory(target.parent)
    finally:
        rmtree(working, ignore_errors=True)


def _taken(target: Path) -> RelevanceExportError:
    return RelevanceExportError(f"{target}: is there already; name another place or remove it")


def _read_back(path: Path, read: Callable[[Source], Iterator[Judgment]]) -> Iterator[object]:
    """What an import would find; a row that it would not take is what comes in its place."""
    try:
        yield from read(open_source(path))
    except SourceError as error:
        yield error


def _holds_queries(path: Path) -> bool:
    try:
        return all(part.kind is RecordKind.QUERIES for part in open_source(path).parts)
    except SourceError:
        return False


def _difference(written: Sequence[Judgment], read: Iterable[object]) -> str | None:
    """The first judgment that does not come back as it is."""
    for one, found in zip_longest(written, read):
        if one != found:
            return "what is not there" if one is None else f"{one.doc_id} for {one.query_id}"
    return None


def _write_queries(path: Path, queries: Iterable[Query]) -> None:
    with path.open("wb") as file:
        for one in queries:
            row = {"_id": one.id, "text": one.text}
            more = {"metadata": one.metadata} if one.metadata else {}
            file.write(orjson.dumps(row | more, option=orjson.OPT_APPEND_NEWLINE))


def _write_jsonl(path: Path, judgments: Sequence[Judgment]) -> None:
    with path.open("wb") as file:
        for one in judgments:
            row = {"query_id": one.query_id, "doc_id": one.doc_id, "grade": one.grade}
            more = {} if one.split is None else {"split": one.split}
            file.write(orjson.dumps(row | more, option=orjson.OPT_APPEND_NEWLINE))


def _write_beir(path: Path, judgments: Sequence[Judgment]) -> None:
    rows = ((one.query_id, one.doc_id, str(one.grade)) for one in judgments)
    _write_plain(path, ("query-id", "corpus-id", "score"), rows)


def _write_tsv(path: Path, judgments: Sequence[Judgment]) -> None:
    rows = ((one.query_id, one.doc_id, str(one.grade), one.split or "") for one in judgments)
    _write_plain(path, ("query-id", "corpus-id", "score", "split"), rows)


def _write_plain(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """No id holds a tab or ends a line, so nothing has to be quoted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(header) + "\n")
        file.writelines("\t".join(row) + "\n" for row in rows)


def _write_csv(path: Path, judgments: Sequence[Judgment]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file)
        write.writerow(("query_id", "doc_id", "grade", "split"))
        rows = ((one.query_id, one.doc_id, one.grade, one.split or "") for one in judgments)
        write.writerows(rows)


_WRITERS: dict[str, _Write] = {".jsonl": _write_jsonl, ".csv": _write_csv, ".tsv": _write_tsv}
