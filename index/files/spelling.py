"""Spelling: is an id such as `1.0` a whole number, or is it what it is written as?

Judged by all files that are read together, so that a judgment names the document that it means.
They are looked through only where a column has such an id.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from molt.index.files.columns import IDS, find_columns
from molt.index.files.errors import SourceError
from molt.index.files.ids import IdForm
from molt.index.files.options import ReadOptions, canonical, silent, undecided
from molt.index.files.part import RecordKind, SourcePart
from molt.index.files.progress import ReadProgress
from molt.index.files.row import JUDGED_DOCUMENTS, JUDGED_QUERIES, QUERY_IDS, Row
from molt.index.files.table import column_names, is_of_strings, read_verbatim

_QUERIES = frozenset(map(canonical, JUDGED_QUERIES))
_NAMES = {
    (RecordKind.DOCUMENTS, RecordKind.DOCUMENTS): IDS,
    (RecordKind.DOCUMENTS, RecordKind.JUDGMENTS): JUDGED_DOCUMENTS,
    (RecordKind.DOCUMENTS, RecordKind.PAIRS): JUDGED_DOCUMENTS,
    (RecordKind.QUERIES, RecordKind.QUERIES): QUERY_IDS,
    (RecordKind.QUERIES, RecordKind.JUDGMENTS): JUDGED_QUERIES,
}
"""Where ids of documents and of queries stand in records of each kind."""
_SAMPLE = 100


class IdSpelling:
    """Looks at the ids of documents, and of queries, in all parts that were added.

    Where the records themselves have an id that could be either, they decide; else all rows do that
    name them.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._options = replace(options, tell=silent, whole_ids=undecided)
        self._parts: dict[SourcePart, None] = {}
        self._found: dict[RecordKind, bool | None] = {}

    def add(self, parts: Iterable[SourcePart]) -> None:
        """Files that are read together with those added before."""
        self._parts |= dict.fromkeys(parts)

    def is_whole(self, part: SourcePart, column: str) -> bool | None:
        """Are ids in a column whole numbers, where they can be? None where it alone decides."""
        owner = _owner(part, column)
        others = [one for one in self._parts if one != part and (owner, one.kind) in _NAMES]
        if not others:
            return None
        if owner not in self._found:
            self._found[owner] = self._judged(owner)
        return self._found[owner]

    def _judged(self, owner: RecordKind) -> bool | None:
        own = [part for part in self._parts if part.kind is owner]
        naming = [
            part for part in self._parts if part.kind is not owner and self._is_of_strings(part)
        ]
        for parts in (own, naming):
            form = IdForm()
            for part in parts:
                with suppress(SourceError):  # whoever reads the part says so
                    self._look(part, owner, form)
            if form.pointed:
                return form.whole
        return None

    def _look(self, part: SourcePart, owner: RecordKind, form: IdForm) -> None:
        see = form.see if self._is_of_strings(part) else form.see_exact
        for found in self._ids(part, owner):
            see(found)
            if form.pointed and form.verbatim:
                return

    def _ids(self, part: SourcePart, owner: RecordKind) -> Iterator[object]:
        names = _NAMES.get((owner, part.kind), ())
        if part.kind is RecordKind.DOCUMENTS:
            columns = column_names(part.path, rows=_SAMPLE, options=self._options)
            names = (find_columns(columns, self._options).id or "", *names)
        for row in read_verbatim(part.path, ReadProgress(), self._options):
            if isinstance(row, Row):
                yield next((row.values[name] for name in names if name in row.values), None)

    def _is_of_strings(self, part: SourcePart) -> bool:
        try:
            return is_of_strings(part.path, self._options)
        except SourceError:
            return False


def _owner(part: SourcePart, column: str) -> RecordKind:
    name = canonical(column)
    if name in _QUERIES or (part.kind is RecordKind.QUERIES and column in QUERY_IDS):
        return RecordKind.QUERIES
    return RecordKind.DOCUMENTS
