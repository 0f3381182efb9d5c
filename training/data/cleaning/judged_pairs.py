"""Judged pairs: where nobody judged anything, pairs whose document is known are judgments.

A document is known by its id, else by its text.
"""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from itertools import chain

from molt.index.catalog.judging.learnt import is_learnt
from molt.index.catalog.judgments import Judgment, Query
from molt.training.data.cleaning.clean import CleanData
from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.text import text_key
from molt.training.data.dataset import Corpus

_GRADE, _TOP_GRADE = 1, 4
_Judged = tuple[str, str, int, str | None]
"""A query text, the id of a document, its grade, and the split that it is meant for."""


def judge_by_pairs(data: CleanData, *, findings: Findings) -> CleanData:
    """Pairs, triplets and scored pairs of known documents as queries with judgments.

    A text that answers has grade 1, and one that does not 0; where there are scores, 0 to 4, a
    score being a part of 4. Pairs become judgments, the others stay what they are as well. Equal
    queries become one, whose id is a hash of its text. What was learnt from clicks stays.
    """
    names = _names(data.corpus)
    top = _TOP_GRADE if data.scored else _GRADE
    queries = {one.id: one for one in data.queries.values() if is_learnt(one.id)}
    judgments: dict[tuple[str, str, str], Judgment] = {}
    judged = chain(
        _by_pairs(data, names, top), _by_triplets(data, names, top), _by_scores(data, names, top)
    )
    for text, doc_id, grade, split in judged:
        query_id = _query_id(text)
        queries.setdefault(query_id, Query(query_id, text))
        place = (query_id, doc_id, split or "")
        known = judgments.get(place)
        if known is None or known.grade < grade:
            judgments[place] = Judgment(query_id, doc_id, grade, split)
        why = "taken as a judgment, as there are no others"
        findings.change("pairs", why, example=f"{doc_id} for {text}: {grade}")
    return replace(
        data,
        queries={query_id: queries[query_id] for query_id in sorted(queries)},
        judgments=(*data.judgments, *(judgments[place] for place in sorted(judgments))),
        pairs=tuple(one for one in data.pairs if _doc_id(names, one.doc_id, one.positive) is None),
    )


def _by_pairs(data: CleanData, names: dict[str, str], top: int) -> Iterator[_Judged]:
    for one in data.pairs:
        if (doc_id := _doc_id(names, one.doc_id, one.positive)) is not None:
            yield one.query, doc_id, top, one.split


def _by_triplets(data: CleanData, names: dict[str, str], top: int) -> Iterator[_Judged]:
    for one in data.triplets:
        if (doc_id := _doc_id(names, one.doc_id, one.positive)) is not None:
            yield one.query, doc_id, top, one.split
            if (other := _doc_id(names, None, one.negative)) not in {None, doc_id}:
                yield one.query, str(other), 0, one.split


def _by_scores(data: CleanData, names: dict[str, str], top: int) -> Iterator[_Judged]:
    for one in data.scored:
        if (doc_id := _doc_id(names, one.doc_id, one.document)) is not None:
            yield one.query, doc_id, round(one.score * top), one.split


def _names(corpus: Corpus) -> dict[str, str]:
    """The ids of documents by the keys of their passages, and of their texts without the title."""
    names: dict[str, str] = {}
    for document, passage in zip(corpus.documents, corpus.texts, strict=True):
        for text in (passage, document.text):
            names.setdefault(text_key(text), document.id)
    return names


def _doc_id(names: dict[str, str], doc_id: str | None, text: str | None) -> str | None:
    return doc_id or (names.get(text_key(text)) if text else None)


def _query_id(text: str) -> str:
    digest = blake2b(text_key(text).encode(), digest_size=8)
    return f"pair-{digest.hexdigest()}"
