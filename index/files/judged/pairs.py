"""Pairs: what training files hold in a row, under the names that trainers give columns.

A query with texts that answer it and texts that do not, or with one text and a score.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import orjson

from molt.index.catalog.fields import check_id, check_words
from molt.index.catalog.judgments import Pair, encode_pair
from molt.index.errors import InvalidFieldError
from molt.index.files.columns import TEXTS
from molt.index.files.ids import read_id
from molt.index.files.judged.scores import Score, ScoreScale, read_score
from molt.index.files.options import canonical
from molt.index.files.row import JUDGED_DOCUMENTS, JUDGED_QUERIES, Row

ASKED = (
    "query", "anchor", "question", "sentence1", "sentence_1", "text1", "text_1", "question1",
    "premise", "sentence_a", "prompt",
)  # fmt: skip
POSITIVES = (
    "positive", "positives", "pos", "answer", "answers", "relevant_passages", "positive_passages",
    "positive_ctxs", "completion", "chosen",
)  # fmt: skip
NEGATIVES = (
    "negative", "negatives", "neg", "hard_negative", "hard_negatives", "irrelevant_passages",
    "negative_passages", "negative_ctxs", "hard_negative_ctxs", "rejected",
)  # fmt: skip
SECOND_TEXTS = (
    "document", "passage", "sentence2", "sentence_2", "text2", "text_2", "question2", "hypothesis",
    "sentence_b",
)  # fmt: skip
SCORE_NAMES = (
    "score", "label", "gold_label", "similarity", "similarity_score", "is_duplicate", "relevance",
    "relevant", "is_relevant", "grade", "rating", "relatedness_score",
)  # fmt: skip
_NUMBERED = re.compile(r"(?:hard_)?(pos|neg)(?:ative|itive)?s?_?\d{1,4}")
_SPLIT, _PREMISE = "split", "premise"
_PASSAGES = frozenset({"positive_ctxs", "positive_passages", "relevant_passages"})
_SELECTED = "passages"
_OF_DOCUMENTS = frozenset({"text", "contents", "content", "body"})
_MOST_TEXTS = 10_000


@dataclass(frozen=True)
class PairRow:
    """A row: its query, the texts that answer it, those that do not, and the columns not used.

    Where there is a `score`, of the column `scored`, it says how well the one text answers.
    `is_claimed`: the name of the column alone says that the texts answer.
    """

    query: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    doc_ids: tuple[str, ...]
    score: Score | None
    scored: str | None
    split: str | None
    unused: frozenset[str]
    is_claimed: bool


DOCUMENT_IDS = (*JUDGED_DOCUMENTS, "doc_ids", "relevant_doc_ids", "expected_doc_ids")
"""What names the documents that answer; a list of ids, too."""
_Answer = tuple[str | None, str | None]


def holds_pairs(columns: Iterable[str]) -> bool:
    """Do rows of these columns say of texts or documents which of them answer a query?

    A text or an id that documents have as well says so only where no other text of a document
    stands beside it, or a score does.
    """
    known = {column.strip().lower() for column in columns}
    judged = known & {*JUDGED_QUERIES} and known & {*JUDGED_DOCUMENTS}
    if judged or known & _OF_DOCUMENTS or not known & {*ASKED}:
        return False
    if _positives(known) or _negatives(known) or _SELECTED in known:
        return True
    described = {*map(canonical, known)} & {*TEXTS} - {*SECOND_TEXTS}
    could = known & {*SECOND_TEXTS, *DOCUMENT_IDS}
    return bool(could and (known & {*SCORE_NAMES} or not described))


def pair_roles(columns: Iterable[str]) -> dict[str, str]:
    """What each column of pairs is read as, in words; those that are not kept are not there."""
    spelled = {column.strip().lower(): column for column in columns}
    positive, negative = _positives(spelled), _negatives(spelled)
    roles = dict.fromkeys(positive, "answers") | dict.fromkeys(negative, "does not answer")
    for role, names in (
        ("query", ASKED),
        ("answers", () if positive else SECOND_TEXTS),
        ("score", () if negative else SCORE_NAMES),
        ("document", DOCUMENT_IDS),
        ("split", (_SPLIT,)),
    ):
        if (name := _first(spelled, names)) is not None:
            roles[name] = role
    if _SELECTED in spelled:
        roles = {name: role for name, role in roles.items() if name not in {"answer", "answers"}}
        roles[_SELECTED] = "answers, where selected"
    return {spelled[name]: role for name, role in roles.items()}


def read_pair_row(values: Mapping[str, Any]) -> PairRow:
    """What a row says. Raises `InvalidFieldError`, which names the columns that are known."""
    spelled = {name.strip().lower(): value for name, value in values.items() if value is not None}
    given = _unfolded({name: one for name, one in spelled.items() if not _is_blank(one)})
    asked = _first(given, ASKED)
    if asked is None:
        raise InvalidFieldError("query", f"is missing; name its column {' or '.join(ASKED)}")
    positive, negative = _positives(given), _negatives(given)
    second = None if positive else _first(given, SECOND_TEXTS)
    scored = None if negative else _first(spelled, SCORE_NAMES)
    document, split = _first(given, DOCUMENT_IDS), given.get(_SPLIT)
    used = {asked, second, scored, document, _SPLIT, *positive, *negative}
    return PairRow(
        query=check_words(given[asked], field=asked),
        positives=_texts(given, positive or [one for one in (second,) if one]),
        negatives=_texts(given, negative),
        doc_ids=() if document is None else _ids(given[document], document),
        score=None if scored is None else _score(given, scored, asked=asked),
        scored=scored,
        split=None if split is None else check_id(split, field=_SPLIT),
        unused=frozenset(given.keys() - used),
        is_claimed=second is None,
    )


def read_pairs(
    row: Row, *, scale: Callable[[], ScoreScale], split: str | None = None
) -> list[Pair]:
    """A row as pairs, each with one of its texts that answer and one of those that do not.

    Each is set beside another until all of both were used. A `split` of its own goes before the one
    given. `scale` is asked where there is a score. Raises `InvalidFieldError`.
    """
    said = read_pair_row(row.values)
    answers = _answers(said)
    if not answers:
        names = " or ".join((*POSITIVES, *SECOND_TEXTS, "doc_id"))
        raise InvalidFieldError("positive", f"is missing; name its column {names}")
    own = said.split or split
    if said.score is not None or (not said.is_claimed and not said.negatives and scale().scored):
        pairs = [_scored(said, answers, scale(), own)]
    else:
        negatives: tuple[str | None, ...] = said.negatives or (None,)
        most = max(len(answers), len(negatives))
        both = islice(zip(cycle(answers), cycle(negatives), strict=False), most)
        pairs = [Pair(said.query, *one, other, split=own) for one, other in both]
    for pair in pairs:
        encode_pair(pair)
    return pairs


def _scored(
    said: PairRow, answers: Sequence[_Answer], scale: ScoreScale, split: str | None
) -> Pair:
    if said.score is None or said.scored is None:
        raise InvalidFieldError("score", "is missing")
    if len(answers) != 1:
        names = " or ".join((*SECOND_TEXTS, *POSITIVES))
        raise InvalidFieldError("document", f"is several; bring one text in a column {names}")
    score = scale.place(said.score, field=said.scored)
    return Pair(said.query, *answers[0], score=score, split=split)


def _answers(said: PairRow) -> list[_Answer]:
    """Every text that answers, with the document that it is of, or every document alone."""
    if len(said.doc_ids) < 2:
        doc_id = said.doc_ids[0] if said.doc_ids else None
        texts: Sequence[str | None] = said.positives or (None,)
        return [(text, doc_id) for text in texts if text or doc_id]
    if said.positives and len(said.positives) != len(said.doc_ids):
        raise InvalidFieldError("doc_id", "is several; bring as many texts, or none")
    return list(zip(said.positives or cycle([None]), said.doc_ids, strict=False))


def _ids(found: Any, field: str) -> tuple[str, ...]:
    several = found if isinstance(found, list) else [found]
    return tuple(read_id(one, field=field) for one in several)


def _unfolded(given: dict[str, Any]) -> dict[str, Any]:
    """A row with MS MARCO's passages, of which some are selected, as those that answer and not."""
    found = given.get(_SELECTED)
    if isinstance(found, Mapping) and isinstance(found.get("is_selected"), list):
        texts: list[Any] = found.get("passage_text") or []
        marks = list(zip(found["is_selected"], texts, strict=False))
    elif isinstance(found, list) and all(isinstance(one, Mapping) for one in found):
        marks = [(one.get("is_selected"), one.get("passage_text")) for one in found]
    else:
        return given
    if not any(mark for mark, _ in marks):
        return given
    rest = {name: value for name, value in given.items() if name != _SELECTED}
    rest["positive_passages"] = [text for mark, text in marks if mark]
    return rest | {"negative_passages": [text for mark, text in marks if not mark]}


def _score(given: Mapping[str, Any], name: str, *, asked: str) -> Score:
    if name not in given:
        raise InvalidFieldError("score", "is missing")
    score = read_score(given[name], field=name)
    if asked == _PREMISE and score.word is None:
        raise InvalidFieldError(
            name,
            "is a number, by which files of premises mean different things; write entailment, "
            "neutral or contradiction",
        )
    return score


def _first(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    known = set(names)
    return next((name for name in wanted if name in known), None)


def _positives(names: Iterable[str]) -> list[str]:
    """The columns of texts that answer; beside passages, `answers` are no passages."""
    found = {name for name in names if name in POSITIVES or _is_numbered(name, "pos")}
    return sorted(found - {"answer", "answers"} if found & _PASSAGES else found)


def _negatives(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name in NEGATIVES or _is_numbered(name, "neg"))


def _is_numbered(name: str, kind: str) -> bool:
    found = _NUMBERED.fullmatch(name)
    return found is not None and found[1] == kind


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
        return [check_words(_passage(value), field=name)]
    texts = [one for one in map(_passage, value) if not _is_blank(one)]
    return [check_words(one, field=f"{name}[{at}]") for at, one in enumerate(texts)]


def _parsed(cell: str) -> Any:
    """The list of texts or passages that a cell spells in JSON, or the cell itself."""
    try:
        found = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
    listed = isinstance(found, list) and all(isinstance(one, str | dict) for one in found)
    return found if listed and found else cell


def _passage(value: Any) -> Any:
    if not isinstance(value, Mapping) or "text" not in value:
        return value
    title, text = value.get("title"), value["text"]
    return f"{title} {text}" if isinstance(title, str) and title else text
