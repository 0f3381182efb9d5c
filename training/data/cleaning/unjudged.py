"""Unjudged examples: pairs, triplets and scored pairs, cleaned, each once and in order.

What names a document by its id alone takes that one's text. Of equal ones that of a held-out split
stays, so that nothing is learnt from it.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from molt.index.catalog.judging.split_name import SplitName, read_split
from molt.index.catalog.judgments import Pair
from molt.training.data.cleaning.cleaner import Cleaner
from molt.training.data.cleaning.findings import Findings
from molt.training.data.raw import ScoredPair, Triplet

_One = TypeVar("_One", Pair, Triplet, ScoredPair)
_HELD_FIRST = (SplitName.TEST, SplitName.DEV, SplitName.TRAIN, None)


def clean_pairs(
    pairs: Iterable[Pair], *, known: Mapping[str, str], cleaner: Cleaner, findings: Findings
) -> tuple[Pair, ...]:
    """Pairs with clean texts, whose `doc_id` is one of `known` or None."""
    kept: dict[tuple[str, str | None, str | None], Pair] = {}
    for pair, split in _held_first("pairs", pairs, findings):
        query = cleaner.clean(pair.query, of="pairs")
        positive = cleaner.clean(pair.positive or "", of="pairs") or None
        doc_id = pair.doc_id if pair.doc_id in known else None
        clean = Pair(query, positive, doc_id, split=split)
        said = (query, positive, doc_id)
        why = _why_not(clean, pair) or ("came twice" if said in kept else None)
        if why:
            findings.drop("pairs", why, example=f"{query}: {positive or pair.doc_id}")
            continue
        if pair.doc_id and not clean.doc_id:
            why = "the document is unknown; its text is learnt from"
            findings.change("pairs", why, example=pair.doc_id)
        kept[said] = clean
    return tuple(
        kept[said] for said in sorted(kept, key=lambda said: [text or "" for text in said])
    )


def clean_triplets(
    triplets: Iterable[Triplet], *, known: Mapping[str, str], cleaner: Cleaner, findings: Findings
) -> tuple[Triplet, ...]:
    """Triplets with clean texts, whose `doc_id` is one of `known` or None."""
    kept: dict[tuple[str, ...], Triplet] = {}
    for triplet, split in _held_first("triplets", triplets, findings):
        positive = triplet.positive or known.get(triplet.doc_id or "", "")
        given = (triplet.query, positive, triplet.negative)
        query, answer, negative = (cleaner.clean(text, of="triplets") for text in given)
        texts = (query, answer, negative)
        if not all(texts):
            findings.drop("triplets", _why_empty(triplet, positive), example=" / ".join(texts))
        elif texts in kept:
            findings.drop("triplets", "came twice", example=" / ".join(texts))
        else:
            doc_id = triplet.doc_id if triplet.doc_id in known else None
            kept[texts] = Triplet(query, answer, negative, doc_id, split)
    return tuple(kept[texts] for texts in sorted(kept))


def clean_scored(
    scored: Iterable[ScoredPair], *, known: Mapping[str, str], cleaner: Cleaner, findings: Findings
) -> tuple[ScoredPair, ...]:
    """Scored pairs with clean texts; of several scores of the same texts the highest."""
    kept: dict[tuple[str, str], ScoredPair] = {}
    highest = sorted(scored, key=lambda one: -one.score)
    for pair, split in _held_first("scores", highest, findings):
        document = pair.document or known.get(pair.doc_id or "", "")
        texts = cleaner.clean(pair.query, of="scores"), cleaner.clean(document, of="scores")
        if not all(texts):
            findings.drop("scores", _why_empty(pair, document), example=" / ".join(texts))
        elif texts not in kept:
            doc_id = pair.doc_id if pair.doc_id in known else None
            kept[texts] = ScoredPair(*texts, pair.score, doc_id=doc_id, split=split)
        elif kept[texts].score == pair.score:
            findings.drop("scores", "came twice", example=" / ".join(texts))
        else:
            findings.drop("scores", "another one has a higher score", example=" / ".join(texts))
    return tuple(kept[texts] for texts in sorted(kept))


def _held_first(
    what: str, given: Iterable[_One], findings: Findings
) -> list[tuple[_One, SplitName | None]]:
    """Each with the split that it is meant for, those of test and dev before the others."""
    found: list[tuple[_One, SplitName | None]] = []
    for one in given:
        split = None if one.split is None else read_split(one.split)
        if one.split is not None and split is None:
            why = f"{one.split!r:.80} names no split; taken as without one"
            findings.change(what, why, example=one.query)
        found.append((one, split))
    return sorted(found, key=lambda one: _HELD_FIRST.index(one[1]))


def _why_empty(given: Triplet | ScoredPair, document: str) -> str:
    return "a text is empty" if document or given.doc_id is None else "of an unknown document"


def _why_not(clean: Pair, given: Pair) -> str | None:
    if not clean.query:
        return "a text is empty"
    if clean.positive or clean.doc_id:
        return None
    return "a text is empty" if given.doc_id is None else "of an unknown document"
