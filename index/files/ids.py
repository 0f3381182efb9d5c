"""Ids: what files that come from tables write for a whole number, as the string that is meant.

`1`, `1.0` and the number 1.0 are one id. No id passes through a float, which would round it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson

from molt.index.catalog.fields import check_id, check_text, encode_metadata
from molt.index.errors import InvalidFieldError

REFERENCES = frozenset(
    {
        *("_id", "id", "doc_id", "docid", "document_id", "pid", "passage_id", "corpus_id", "docno"),
        *("query_id", "qid"),
    }
)
"""The canonical names of columns whose cells are ids."""
_EXACT = 2.0**53  # what is written as the whole number after it becomes this one
_MOST_IDS = 1_000_000
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,99})(?P<point>\.0{1,9})?")
_POWER = re.compile(r"-?[1-9](?:\.[0-9]{1,30})?[eE]\+[0-9]{1,2}")


def read_id(value: object, *, field: str = "id") -> str:
    """The id that a value spells; a whole number is its digits. Raises `InvalidFieldError`."""
    if isinstance(value, dict) and value.keys() == {"$oid"}:  # as MongoDB exports an id
        value = value["$oid"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return check_id(value, field=field)
    if isinstance(value, int):
        return str(value)
    if not value.is_integer():
        raise InvalidFieldError(field, f"is {value}, no whole number; write it as a string")
    if abs(value) >= _EXACT:
        raise InvalidFieldError(
            field,
            f"is {value}, a floating-point number too large to be exact; write it as a string",
        )
    return str(int(value))


def make_id(title: str, text: str, metadata: Mapping[str, Any]) -> str:
    """The id of a document that has none: 24 hexadecimal digits of BLAKE2b over its content.

    Raises `InvalidFieldError` for metadata that JSON does not have.
    """
    content = orjson.dumps([check_text(title, field="title"), check_text(text, field="text")])
    digest = blake2b(content + encode_metadata(metadata).encode(), digest_size=12)
    return digest.hexdigest()


class RepeatedIds:
    """Counts the ids that came before, among the first million of all files."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._count = 0
        self._first = ""

    def see(self, doc_id: str) -> None:
        """One more id."""
        key = hash(doc_id)
        if key in self._seen:
            self._count += 1
            self._first = self._first or doc_id
        elif len(self._seen) < _MOST_IDS:
            self._seen.add(key)

    def take(self) -> tuple[int, str]:
        """How many came before since this was asked last, and the first of them."""
        taken = self._count, self._first
        self._count, self._first = 0, ""
        return taken


@dataclass
class IdForm:
    """How ids are written: some as `1.0`, some as `1`, and some as no whole number at all."""

    pointed: bool = False
    plain: bool = False
    verbatim: bool = False

    @property
    def whole(self) -> bool:
        """Are they whole numbers, although some have a point?"""
        return self.pointed and not self.verbatim

    def see(self, found: object) -> None:
        """Look at an id of a table of strings."""
        if not isinstance(found, str):
            return
        whole = _WHOLE.fullmatch(found)
        if whole is not None:
            self.pointed |= whole["point"] is not None
            self.plain |= whole["point"] is None
        elif not self.verbatim:
            self.verbatim = not _is_whole_power(found)

    def see_exact(self, found: object) -> None:
        """Look at an id of a file that knows strings from numbers, of which none is changed."""
        if isinstance(found, str) and (whole := _WHOLE.fullmatch(found)) and whole["point"]:
            self.pointed = self.verbatim = True
        self.pointed |= isinstance(found, float)


@dataclass
class IdCells:
    """What was seen of the ids of one column. `unique`: none may stand for two rows.

    `whole` is what the files that are read together say of ids that have a point.
    """

    unique: bool
    whole: bool | None = None
    form: IdForm = field(default_factory=IdForm, init=False)
    _written: dict[str, tuple[int, str]] = field(default_factory=dict, init=False)

    def see(self, line: int, cell: str) -> None:  # noqa: ARG002  as the cells of other columns
        """Look at one cell."""
        self.form.see(cell)

    def read(self, line: int, cell: str) -> str:
        """The id of a row: as it is written, unless it is of a column of whole numbers.

        Raises `InvalidFieldError` where a row before has the same id, written otherwise.
        """
        if not (self.form.whole if self.whole is None else self.whole):
            return cell
        whole = _WHOLE.fullmatch(cell)
        if whole is not None:
            digits = cell.removesuffix(whole["point"] or "")
        elif _is_whole_power(cell):
            digits = str(int(Decimal(cell)))
        else:
            return cell
        if self.unique and self.form.plain:
            before = self._written.setdefault(digits, (line, cell))
            if before[1] != cell:
                raise InvalidFieldError(
                    "id", f"{cell} is the id {before[1]} of line {before[0]}; rename one of them"
                )
        return digits


def _is_whole_power(cell: str) -> bool:
    if not _POWER.fullmatch(cell):
        return False
    number = Decimal(cell)
    return number == number.to_integral_value()
