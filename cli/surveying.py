"""A dry run: what an import would make of files, shown before anything is written."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molt.cli.invocation import Invocation
from molt.cli.output import Listing, snippet, write_json, write_listing, write_note
from molt.cli.remarks import note_remarks

if TYPE_CHECKING:
    from molt.index.files import RowError, Source, SourcePart
    from molt.index.files.ids import RepeatedIds
    from molt.index.files.options import ReadOptions
    from molt.index.files.survey import SurveyedColumn

SHOWN = 5
_ONE = {"documents": "document", "queries": "query", "judgments": "judgment", "pairs": "pair"}
_WIDTH = 60


@dataclass(frozen=True)
class _Surveyed:
    """What one file holds; `again` counts documents whose id came before."""

    path: str
    kind: str
    form: str
    good: int
    bad: int
    again: int
    columns: "tuple[SurveyedColumn, ...]"
    records: tuple[dict[str, Any], ...]


def show_survey(
    call: Invocation,
    paths: Sequence[Path],
    options: "ReadOptions",
    reject: "Callable[[RowError], None]",
) -> None:
    """Read files to their end, and show columns, counts and the first records of each."""
    from molt.index.files import open_source
    from molt.index.files.ids import RepeatedIds

    opened = [open_source(path, options=options) for path in paths]
    parts = [part for source in opened for part in source.parts]
    read: list[Source] = []
    ids = RepeatedIds()
    for part in parts:
        source, found = _surveyed(part, parts, options, reject, ids)
        read.append(source)
        if call.json:
            write_json({"event": "survey"} | asdict(found))
        else:
            _write(found)
    note_remarks(call, [*opened, *read])
    call.note("Nothing was written.")


def _surveyed(
    part: "SourcePart",
    beside: "Sequence[SourcePart]",
    options: "ReadOptions",
    reject: "Callable[[RowError], None]",
    ids: "RepeatedIds",
) -> "tuple[Source, _Surveyed]":
    """A part, read to its end with ids as those of the parts beside it."""
    from molt.index.files import RecordKind, Source
    from molt.index.files.survey import FileSurvey

    survey, bad = FileSurvey(), _Bad(reject)
    source = Source((part,), reject=bad, options=options, observe=survey.look)
    source.ids.add(beside)
    records: list[dict[str, Any]] = []
    good = 0
    for record in _records(source, part):
        good += 1
        if part.kind is RecordKind.DOCUMENTS:
            ids.see(record.id)
        if len(records) < SHOWN:
            records.append(asdict(record))
    return source, _Surveyed(
        path=str(part.path),
        kind=part.kind.value,
        form=_form(part, options),
        good=good,
        bad=bad.count,
        again=ids.take()[0],
        columns=survey.columns(source, part),
        records=tuple(records),
    )


@dataclass
class _Bad:
    """Counts the bad rows of one file."""

    reject: "Callable[[RowError], None]"
    count: int = 0

    def __call__(self, error: "RowError") -> None:
        self.count += 1
        self.reject(error)


def _records(source: "Source", part: "SourcePart") -> Iterator[Any]:
    streams = (source.documents, source.queries, source.judgments, source.pairs)
    return next(stream() for stream in streams if stream.__name__ == part.kind.value)


def _form(part: "SourcePart", options: "ReadOptions") -> str:
    from molt.index.files.table import describe_form

    return describe_form(part.path, options)


def _write(found: _Surveyed) -> None:
    again = f", {found.again:,} with an id that came before" if found.again else ""
    kind = _ONE[found.kind] if found.good == 1 else found.kind
    write_note(f"{found.path}: {found.form}: {found.good:,} {kind}{again}; bad rows: {found.bad:,}")
    columns = [
        (column.name, column.role, _kinds(column.kinds), snippet(column.example, width=_WIDTH))
        for column in found.columns
    ]
    write_listing(Listing(("column", "read as", "holds", "first"), columns))
    write_listing(_first(found))


def _first(found: _Surveyed) -> Listing:
    names = tuple(found.records[0]) if found.records else ("record",)
    rows = [
        tuple(snippet(_said(record[name]), width=_WIDTH) for name in names)
        for record in found.records
    ]
    return Listing(names, rows, empty="No row is good.")


def _said(value: Any) -> str:
    import orjson

    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _kinds(kinds: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.items()) or "nothing"
