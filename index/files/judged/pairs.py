"""Pairs and what else training files hold in a row, under the names that trainers give columns.

A query with texts that answer it and texts that do not, or with one text and a score. Where it
all goes is told by whoever reads.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from molt.index.catalog.fields import check_words
from molt.index.catalog.judgments import Pair, encode_pair
from molt.index.errors import InvalidFieldError
from molt.index.files.ids import read_id
from molt.index.files.row import JUDGED_DOCUMENTS, JUDGED_QUERIES, Row

ASKED = ("query", "anchor", "question", "sentence1", "sentence_1", "text1", "text_1", "prompt")
POSITIVES = (
    "positive", "positives", "pos", "answer", "answers", "relevant_passages", "positive_passages",
    "completion",
)  # fmt: skip
NEGATIVES = (
    "negative", "negatives", "neg", "hard_negative", "hard_negatives", "irrelevant_passages",
    "negative_passages",
)  # fmt: skip
SECOND_TEXTS = ("document", "passage", "sentence2", "sentence_2", "text2", "text_2")
SCORE_NAMES = ("score", "label", "similarity", "similarity_score")
_NUMBERED = re.compile(r"(pos|neg)(ative|itive)?s?_?\d{1,4}")
_DOCUMENT = "doc_id"
_OF_DOCUMENTS = frozenset({"text", "contents", "content", "body"})
_MOST_TEXTS = 10_000


class PairShape(StrEnum):
    """What the rows of a file say of texts."""

    CONTRASTS = "contrasts"  # some answer the query, and some do not
    POSITIVES = "positives"  # all answer the query
    SCORED = "scored"  # one text, and how well it answers


@dataclass(frozen=True)
class PairRow:
    """A row: its query, the texts that answer it, those that do not, and the columns not used.

    Where there is a `score`, it says how well the one text answers.
    """

    query: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    doc_id: str | None
    score: Any
    unused: frozenset[str]


def shape_of(columns: Iterable[str]) -> PairShape | None:
    """What rows of these columns say, or None where they are of another kind."""
    known = {column.strip().lower() for column in columns}
    judged = known & {*JUDGED_QUERIES} and known & {*JUDGED_DOCUMENTS}
    texts = _positives(known) or known & {*SECOND_TEXTS}
    if judged or known & _OF_DOCUMENTS or not known & {*ASKED}:
        return None
    if _negatives(known):
        return PairShape.CONTRASTS
    if texts and known & {*SCORE_NAMES}:
        return PairShape.SCORED
    return PairShape.POSITIVES if texts or _DOCUMENT in known else None


def read_pair_row(values: Mapping[str, Any]) -> PairRow:
    """What a row says. Raises `InvalidFieldError`, which names the columns that are known."""
    given = {name.strip().lower(): value for name, value in values.items() if not _is_blank(value)}
    asked = _first(given, ASKED)
    if asked is None:
        raise InvalidFieldError("query", f"is missing; name its column {' or '.join(ASKED)}")
    positive, negative = _positives(given), _negatives(given)
    second = None if positive else _first(given, SECOND_TEXTS)
    scored = _first(given, SCORE_NAMES) if not negative else None
    used = {asked, second, scored, _DOCUMENT, *positive, *negative}
    document = given.get(_DOCUMENT)
    return PairRow(
        query=check_words(given[asked], field=asked),
        positives=_texts(given, positive or [one for one in (second,) if one]),
        negatives=_texts(given, negative),
        doc_id=None if document is None else read_id(document, field=_DOCUMENT),
        score=None if scored is None else given[scored],
        unused=frozenset(given.keys() - used),
    )


def read_pairs(row: Row) -> list[Pair]:
    """A pair of the query with each text that answers it, or with a document by its id."""
    said = read_pair_row(row.values)
    positives: tuple[str | None, ...] = said.positives or (None,)
    if said.doc_id is None and not said.positives:
        names = " or ".join((*POSITIVES, *SECOND_TEXTS, _DOCUMENT))
        raise InvalidFieldError("positive", f"is missing; name its column {names}")
    pairs = [Pair(said.query, positive, said.doc_id) for positive in positives]
    for pair in pairs:
        encode_pair(pair)
    return pairs


def _first(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    known = set(names)
    return next((name for name in wanted if name in known), None)


def _positives(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name in POSITIVES or _is_numbered(name, "pos"))


def _negatives(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name in NEGATIVES or _is_numbered(name, "neg"))


def _is_numbered(name: str, kind: str) -> bool:
    return name.startswith(kind) and _NUMBERED.fullmatch(name) is not None


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _texts(given: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    found = [text for name in names for text in _listed(given[name], name)]
    if len(found) > _MOST_TEXTS:
        raise InvalidFieldError("row", f"holds {len(found)} texts; at most {_MOST_TEXTS} are read")
    return tuple(found)


def _listed(value: Any, name: str) -> list[str]:
    """The texts of a cell: one, or a list of texts or of passages with a title and a text."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _parsed(value)
    if not isinstance(value, list | tuple):
        return [check_words(value, field=name)]
    texts = [one for one in map(_passage, value) if not _is_blank(one)]
    return [check_words(one, field=f"{name}[{at}]") for at, one in enumerate(texts)]


def _parsed(cell: str) -> Any:
    """The list that a cell of a table spells in JSON, or the cell itself."""
    try:
        found = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
    return found if isinstance(found, list) and found else cell


def _passage(value: Any) -> Any:
    if not isinstance(value, Mapping) or "text" not in value:
        return value
    title, text = value.get("title"), value["text"]
    return f"{title} {text}" if isinstance(title, str) and title else text
