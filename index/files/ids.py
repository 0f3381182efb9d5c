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
_EXACT = 2.0**53
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
    if abs(value) > _EXACT:
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
    """Counts the ids that came before, among the first million of a file."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self.count = 0
        self.first = ""

    def see(self, doc_id: str) -> None:
        """One more id."""
        key = hash(doc_id)
        if key in self._seen:
            self.count += 1
            self.first = self.first or doc_id
        elif len(self._seen) < _MOST_IDS:
            self._seen.add(key)


@dataclass
class IdCells:
    """What was seen of the ids of one column. `unique`: none may stand for two rows."""

    unique: bool
    _pointed: bool = field(default=False, init=False)
    _plain: bool = field(default=False, init=False)
    _verbatim: bool = field(default=False, init=False)
    _written: dict[str, tuple[int, str]] = field(default_factory=dict, init=False)

    def see(self, line: int, cell: str) -> None:  # noqa: ARG002  as the cells of other columns
        """Look at one cell."""
        if not self._verbatim:
            whole = _WHOLE.fullmatch(cell)
            if whole is None and not _is_whole_power(cell):
                self._verbatim = True
            elif whole is not None and whole["point"] is None:
                self._plain = True
            else:
                self._pointed |= whole is not None

    def read(self, line: int, cell: str) -> str:
        """The id of a row: as it is written, unless it is of a column of whole numbers.

        Raises `InvalidFieldError` where a row before has the same id, written otherwise.
        """
        if self._verbatim or not self._pointed:
            return cell
        whole = _WHOLE.fullmatch(cell)
        digits = cell if whole is None else cell.removesuffix(whole["point"] or "")
        if whole is None:
            digits = str(int(Decimal(cell)))
        if self.unique and self._plain:
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
