"""Options: how a user wants files to be read, where guessing would be wrong.

Frozen, and passed down to every reader. What a reader guessed or left out, it tells aloud.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from molt.index.files.text.markup import Markup

_MOST_TOLD = 200
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


class Quoting(StrEnum):
    """What a quotation mark at the beginning of a cell means.

    STANDARD: a cell quoted as in RFC 4180, whatever it spans. NONE: a mark like any other.
    """

    STANDARD = "standard"
    NONE = "none"


def silent(message: str) -> None:
    """Tell nobody."""


def undecided(column: str) -> bool | None:  # noqa: ARG001  as whoever decides
    """Let a column alone say what its ids are."""
    return None


@dataclass(frozen=True)
class ReadOptions:
    """None is for what is guessed: the format, the encoding, the delimiter, the quoting, columns.

    `split` is that of judgments and pairs which name none, and whose file does not either.
    `number_columns` are read as numbers however those are written; of `metadata_columns`, where
    they are given, and of no others metadata are made. `tell` hears what was guessed;
    Where cells are `verbatim`, those of a table without types stay strings, but for ids and
    numbers.
    `whole_ids` says of a column with ids such as `1.0` whether they are whole numbers.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: Quoting | None = None
    id_column: str | None = None
    title_column: str | None = None
    text_column: str | None = None
    metadata_columns: tuple[str, ...] | None = None
    number_columns: tuple[str, ...] = ()
    markup: Markup = Markup.KEPT
    split: str | None = None
    verbatim: bool = False
    tell: Callable[[str], None] = field(default=silent, compare=False)
    whole_ids: Callable[[str], bool | None] = field(default=undecided, compare=False)

    @property
    def named_columns(self) -> tuple[str, ...]:
        """The columns that have to be there for these options to make sense."""
        return (*self.document_columns, *self.number_columns)

    @property
    def document_columns(self) -> tuple[str, ...]:
        """Those of them that only documents have."""
        roles = (self.id_column, self.title_column, self.text_column)
        given = (name for name in roles if name is not None)
        return (*given, *(self.metadata_columns or ()))


def told_once(options: ReadOptions) -> ReadOptions:
    """The options, telling each thing once, however often the file is read."""
    told: set[str] = set()

    def tell(message: str) -> None:
        if message not in told and len(told) < _MOST_TOLD:
            told.add(message)
            options.tell(message)

    return replace(options, tell=tell)


def canonical(name: str) -> str:
    """The name of a column without what people write differently: case, blanks, hyphens."""
    return _BETWEEN_WORDS.sub("_", name.strip().lower()) or name
