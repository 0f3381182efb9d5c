"""A source: everything that one path given by a user holds, as streams of records."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import NoReturn, TypeVar

from molt.index.catalog.document import Document
from molt.index.catalog.judging.split_name import SplitName, standard_split
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.errors import CatalogError, InvalidDocumentError
from molt.index.files.columns import DocumentColumns, require_columns
from molt.index.files.errors import RowError, SourceError
from molt.index.files.folder import folder_parts
from molt.index.files.ids import RepeatedIds
from molt.index.files.judged.folder import unread_files
from molt.index.files.judged.pairs import read_pairs
from molt.index.files.judged.remarks import Remarks
from molt.index.files.judged.rereading import grades_of, judged_queries, scores_of
from molt.index.files.kinds import MixedFields
from molt.index.files.options import ReadOptions, silent, told_once
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row, read_document, read_judgment, read_query
from molt.index.files.spelling import IdSpelling
from molt.index.files.table import column_names, find_part, has_header, read_table
from molt.index.files.text.markup import Markup, has_markup

_SAMPLE = 100  # the first rows of a file may lack a column
_SAID = 80  # characters of an id in an error
_HELD_LAST: dict[str | None, int] = {SplitName.DEV: 1, SplitName.TEST: 2}
_GUESSING = ReadOptions()
_Record = TypeVar("_Record")


def stop(error: RowError) -> NoReturn:
    """End the reading at the first bad row."""
    raise error


class Source:
    """Files that can be read as records, from their start whenever a stream is asked for.

    `unread` are those of a folder that look like data and are no part of the source.
    Each bad row goes to `reject`, which may raise it or remember it; a row that was rejected is
    in no stream. `observe` sees every row that is not broken itself. `ids` are judged by
    the parts, and by all others that are added to it.
    """

    def __init__(
        self,
        parts: tuple[SourcePart, ...],
        *,
        reject: Callable[[RowError], None],
        options: ReadOptions = _GUESSING,
        observe: Callable[[SourcePart, Row], None] | None = None,
        unread: Sequence[Path] = (),
    ) -> None:
        self.parts = parts
        self.unread = tuple(unread)
        self.progress = ReadProgress()
        self._reject = reject
        self._options = options
        self._observe = observe
        self.ids = IdSpelling(options)
        self.ids.add(parts)
        self._remarks = Remarks()

    @property
    def remarks(self) -> list[str]:
        """What is worth knowing of the rows read so far: columns that were not used, and so on."""
        return self._remarks.sentences()

    def size(self, *kinds: RecordKind) -> int:
        """Bytes on disk of the files of these kinds, all kinds where none is named."""
        return sum(
            part.path.stat().st_size
            for part in self.parts
            if part.kind in (kinds or tuple(RecordKind))
        )

    def documents(self) -> Iterator[Document]:
        """Every document, in the order of the files; an id that comes twice comes out twice."""
        repeated = RepeatedIds()
        for part in self._of(RecordKind.DOCUMENTS):
            yield from self._documents(part, repeated)

    def columns(self, part: SourcePart) -> DocumentColumns:
        """What the columns of a part that holds documents are. Raises `SourceError`."""
        return self._understood(part, column_names(part.path, rows=_SAMPLE, options=self._options))

    def _understood(self, part: SourcePart, names: tuple[str, ...]) -> DocumentColumns:
        found = require_columns(part.path, names, self._options)
        if not has_header(part.path, self._options):
            found = replace(found, known=frozenset())
        if found.id is None:
            self._options.tell(
                f"{part.path}: no column is known to hold ids, so each document's is made from its "
                "content; name one with --id-column to choose it"
            )
        if found.text is None:
            self._options.tell(
                f"{part.path}: no column is known to hold the text, so only {found.title} is "
                "searched; name one with --text-column"
            )
        return found

    def queries(self) -> Iterator[Query]:
        """Every query, in the order of the file."""
        for part in self._of(RecordKind.QUERIES):
            yield from self._records(part, read_query)
        for part in self._of(RecordKind.JUDGMENTS):
            yield from judged_queries(partial(self._again, part))

    def judgments(self) -> Iterator[Judgment]:
        """Every judgment, split by split."""
        for part in self._of(RecordKind.JUDGMENTS):
            scale = grades_of(partial(self._again, part))
            self._remarks.scales[part] = scale
            read = partial(read_judgment, split=self._split(part), scale=scale)
            yield from self._records(part, read)
            if said := scale.remark():
                self._remarks.note(part.path, said)

    def _again(self, part: SourcePart) -> Iterator[Row]:
        """The good rows of a part, of which nothing is told, once more."""
        whole_ids = partial(self.ids.is_whole, part)
        options = replace(
            self._options,
            tell=silent,
            whole_ids=whole_ids,
            verbatim=part.kind is RecordKind.PAIRS,
        )
        rows = read_table(part.path, ReadProgress(), options)
        return (row for row in rows if isinstance(row, Row))

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the order of the file; a row may hold several."""
        for part in self._of(RecordKind.PAIRS):
            scale = cache(partial(scores_of, partial(self._again, part)))
            read = partial(read_pairs, scale=scale, split=self._split(part))
            yield from chain.from_iterable(self._records(part, read))
            for said in scale().remarks() if scale.cache_info().currsize else ():
                self._remarks.note(part.path, said)

    def _split(self, part: SourcePart) -> str | None:
        """The split that the name of a file says, else the one that the options do."""
        wanted = standard_split(self._options.split)
        if wanted is not None and standard_split(part.split) not in {None, wanted}:
            self._remarks.note(
                part.path, f"the name of the file says {part.split}, which goes before {wanted}"
            )
        return part.split or wanted

    def _documents(self, part: SourcePart, repeated: RepeatedIds) -> Iterator[Document]:
        columns, markup = DocumentColumns(), self._options.markup
        names: tuple[str, ...] = ()
        # A file of which no row can be read says so row by row.
        with suppress(SourceError):
            names = column_names(part.path, rows=_SAMPLE, options=self._options)
        if names:
            columns = self._understood(part, names)
        read = partial(read_document, columns=columns, markup=markup)
        found = self._records(part, read)
        mixed = MixedFields()
        for number, document in enumerate(found):
            repeated.see(document.id)
            if not columns.known:
                mixed.see(document.metadata)
            if number < _SAMPLE and markup is Markup.KEPT and has_markup(document.text):
                self._options.tell(f"{part.path}: texts hold HTML; pass --strip-html to remove it")
            yield document
        count, first = repeated.take()
        if count:
            self._options.tell(
                f"{part.path}: rows with an id that came before: {count:,} (the first is "
                f"{first[:_SAID]}); of rows with one id the last one stays"
            )
        for remark in mixed.remarks():
            self._options.tell(f"{part.path}: {remark}")

    @property
    def held_out(self) -> int:
        """How late what it says of relevance is to be written, beside other sources."""
        return max((_rank(part) for part in self.parts), default=0)

    def _of(self, kind: RecordKind) -> list[SourcePart]:
        """The parts of a kind, those of held-out splits last, as the later of two records stays."""
        found = (part for part in self.parts if part.kind is kind)
        return sorted(found, key=_rank)

    def _records(self, part: SourcePart, convert: Callable[[Row], _Record]) -> Iterator[_Record]:
        options = replace(
            self._options,
            whole_ids=partial(self.ids.is_whole, part),
            verbatim=part.kind is RecordKind.PAIRS,
        )
        for row in read_table(part.path, self.progress, options):
            if self._observe is not None and isinstance(row, Row):
                self._observe(part, row)
            record = _convert(row, part, convert)
            if isinstance(record, RowError):
                self._reject(record)
            else:
                if isinstance(row, Row):
                    self._remarks.look(part, row)
                yield record


def open_source(
    path: Path,
    *,
    reject: Callable[[RowError], None] = stop,
    options: ReadOptions = _GUESSING,
) -> Source:
    """Find out what a file or a folder holds; nothing but first rows are read yet.

    Without `reject`, the first bad row raises its `RowError` while the stream is read. Raises
    `SourceError` where there is nothing that can be read, or a column is missing that has to be
    there.
    """
    if not path.exists():
        raise SourceError(path, "does not exist")
    options = told_once(options)
    if path.is_dir():
        parts = folder_parts(path, options)
        unread = unread_files(path, taken={part.path for part in parts})
        return Source(parts, reject=reject, options=options, unread=unread)
    source = Source((find_part(path, options),), reject=reject, options=options)
    for part in source.parts:
        if part.kind is RecordKind.DOCUMENTS:
            source.columns(part)
    return source


def _rank(part: SourcePart) -> int:
    """The later of two records stays, so held-out splits come last."""
    return _HELD_LAST.get(standard_split(part.split), 0)


def _convert(
    row: Row | RowError, part: SourcePart, convert: Callable[[Row], _Record]
) -> _Record | RowError:
    if isinstance(row, RowError):
        return row
    try:
        return convert(row)
    except InvalidDocumentError as error:
        reason = f"{error.field} {error.reason}"
        said = f"document {str(error.doc_id)[:_SAID]}: {reason}"
        return RowError(part.path, row.line, said, kind=reason)
    except CatalogError as error:
        return RowError(part.path, row.line, str(error))
