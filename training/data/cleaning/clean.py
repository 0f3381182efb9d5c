"""Cleaning: raw data with one spelling of each text, one record of each id, and no loose ends.

What is dropped or changed is a finding. Splits nothing, and makes no examples.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.judging.split_name import read_split
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.training.data.cleaning.cleaner import Cleaner
from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.unjudged import clean_pairs, clean_scored, clean_triplets
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Corpus
from molt.training.data.raw import RawData, ScoredPair, Triplet

_Named = TypeVar("_Named", Document, Query)


@dataclass(frozen=True)
class CleanData:
    """Records with clean texts. Every judgment names a query and a document that are here.

    Everything is in the order of its ids, or of its texts where it has none.
    """

    corpus: Corpus
    queries: Mapping[str, Query]
    judgments: tuple[Judgment, ...]
    pairs: tuple[Pair, ...]
    triplets: tuple[Triplet, ...]
    scored: tuple[ScoredPair, ...]


def clean_raw(raw: RawData, *, config: DataConfig, findings: Findings) -> CleanData:
    """All of the raw data that can be used."""
    cleaner = Cleaner(limit=config.max_characters, findings=findings)
    corpus = _clean_corpus(raw.documents, cleaner, findings)
    queries = _clean_queries(raw.queries, cleaner, findings)
    known = {
        document.id: text for document, text in zip(corpus.documents, corpus.texts, strict=True)
    }
    judgments = _known_judgments(raw.judgments, queries=queries, documents=known, findings=findings)
    return CleanData(
        corpus=corpus,
        queries=queries,
        judgments=_one_grade_each(judgments, findings),
        pairs=clean_pairs(raw.pairs, known=known, cleaner=cleaner, findings=findings),
        triplets=clean_triplets(raw.triplets, known=known, cleaner=cleaner, findings=findings),
        scored=clean_scored(raw.scored, known=known, cleaner=cleaner, findings=findings),
    )


def _clean_corpus(documents: Iterable[Document], cleaner: Cleaner, findings: Findings) -> Corpus:
    kept: list[Document] = []
    texts: list[str] = []
    first: dict[str, str] = {}
    for document in _last_of_each_id(documents, "documents", findings):
        passage = passage_text(title=document.title, text=document.text)
        text = cleaner.clean(passage, of="documents")
        if not text:
            findings.drop("documents", "the text is empty", example=document.id)
            continue
        if first.setdefault(text, document.id) != document.id:
            why = "the same text under another id; both stay, as in the index"
            findings.change("documents", why, example=f"{document.id} as {first[text]}")
        kept.append(document)
        texts.append(text)
    return Corpus(tuple(kept), tuple(texts))


def _clean_queries(
    queries: Iterable[Query], cleaner: Cleaner, findings: Findings
) -> dict[str, Query]:
    kept = {}
    for query in _last_of_each_id(queries, "queries", findings):
        text = cleaner.clean(query.text, of="queries")
        if text:
            kept[query.id] = replace(query, text=text)
        else:
            findings.drop("queries", "the text is empty", example=query.id)
    return kept


def _last_of_each_id(records: Iterable[_Named], what: str, findings: Findings) -> list[_Named]:
    """As an import would leave them: the later record of an id replaces the earlier one."""
    kept: dict[str, _Named] = {}
    for one in records:
        before = kept.get(one.id)
        if before == one:
            findings.drop(what, "came twice", example=one.id)
        elif before is not None:
            findings.drop(what, "replaced by a later one of the same id", example=one.id)
        kept[one.id] = one
    return [kept[name] for name in sorted(kept)]


def _known_judgments(
    judgments: Iterable[Judgment],
    *,
    queries: Mapping[str, Query],
    documents: Collection[str],
    findings: Findings,
) -> Iterator[Judgment]:
    for one in judgments:
        if one.query_id not in queries:
            findings.drop("judgments", "of an unknown query", example=one.query_id)
        elif one.doc_id not in documents:
            findings.drop("judgments", "of an unknown document", example=one.doc_id)
        else:
            yield _with_split(one, findings)


def _with_split(one: Judgment, findings: Findings) -> Judgment:
    if one.split is None:
        return one
    split = read_split(one.split)
    if split is None:
        why = f"{one.split!r:.80} names no split; taken as without one"
        findings.change("judgments", why, example=f"{one.doc_id} for {one.query_id}")
    return replace(one, split=split)


def _order(one: Judgment) -> tuple[str, str, str, int]:
    return one.query_id, one.doc_id, one.split or "", -one.grade


def _one_grade_each(judgments: Iterable[Judgment], findings: Findings) -> tuple[Judgment, ...]:
    """One judgment for each query, document and split: of several, that of the highest grade.

    Somebody found the document relevant; to learn that it is not would be the worse mistake.
    """
    kept: dict[tuple[str, str, str | None], Judgment] = {}
    for one in sorted(judgments, key=_order):
        first = kept.setdefault((one.query_id, one.doc_id, one.split), one)
        if first is one:
            continue
        pair = f"{one.doc_id} for {one.query_id}"
        if first.grade == one.grade:
            findings.drop("judgments", "came twice", example=pair)
        else:
            example = f"{pair}: {one.grade} and {first.grade}"
            findings.drop("judgments", "another one has a higher grade", example=example)
    return tuple(kept.values())
