"""The syntax of a query: words, phrases in quotes, `+word`, `-word` and `field:word`.

What does not parse is read as words, so no query fails: a sign that stands alone, a quote that is
never closed, a field that the index does not know. Knows no terms.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

MOST_CLAUSES = 1_024
"""What stands behind so many words is not read."""

_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"'))
_CLAUSE = re.compile(
    r"""(?P<sign>(?<!\S)[+-](?=[^\s+-]))?
        (?:(?P<field>[^\s":+-][^\s":]*):(?=\S))?
        (?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))""",
    re.VERBOSE,
)


class Occur(StrEnum):
    """What a clause asks of a document: a `SHOULD` raises its score, and one has to hold."""

    SHOULD = "should"
    MUST = "must"
    MUST_NOT = "must_not"


@dataclass(frozen=True)
class Clause:
    """Words that are looked for, as a `phrase` or one by one, in a `field` or in all of them."""

    text: str
    occur: Occur = Occur.SHOULD
    field: str | None = None
    phrase: bool = False

    @property
    def is_loose(self) -> bool:
        """Is it words, each of which may hold or not?"""
        return self.occur is Occur.SHOULD and not self.phrase


@dataclass(frozen=True)
class AskedWords:
    """A query as it was read; `truncated` where it has more clauses than are read."""

    clauses: tuple[Clause, ...]
    truncated: bool = False

    @property
    def is_plain(self) -> bool:
        """Does it hold nothing but words?"""
        return all(clause == Clause(clause.text) for clause in self.clauses)

    @property
    def is_loose(self) -> bool:
        """Does none of it say which documents are wanted at all?"""
        return all(clause.is_loose for clause in self.clauses)

    @property
    def text(self) -> str:
        """What is looked for, without signs, quotes and fields, and without what is excluded."""
        return " ".join(one.text for one in self.clauses if one.occur is not Occur.MUST_NOT)


def parse_words(text: str, *, fields: Collection[str] = ()) -> AskedWords:
    """A query as it is read where documents have these `fields`; it never fails."""
    clauses: list[Clause] = []
    for found in _CLAUSE.finditer(text.translate(_QUOTES)):
        if len(clauses) == MOST_CLAUSES:
            return AskedWords(tuple(clauses), truncated=True)
        clauses.append(_clause(found, fields))
    return AskedWords(tuple(clauses))


_OCCUR = {None: Occur.SHOULD, "+": Occur.MUST, "-": Occur.MUST_NOT}


def _clause(found: re.Match[str], fields: Collection[str]) -> Clause:
    occur, field = _OCCUR[found["sign"]], found["field"]
    phrase = found["phrase"] is not None
    said = found["phrase"] if phrase else found["word"]
    if field is None or field in fields:
        return Clause(said, occur, field, phrase)
    return Clause(f"{field}:{said}", occur, None, phrase)
