"""Unjudged examples: pairs, triplets and scored pairs, cleaned, each once and in order."""

from collections.abc import Collection, Iterable

from molt.index.catalog.judgments import Pair
from molt.training.data.cleaning.cleaner import Cleaner
from molt.training.data.cleaning.findings import Findings
from molt.training.data.raw import ScoredPair, Triplet


def clean_pairs(
    pairs: Iterable[Pair], *, known: Collection[str], cleaner: Cleaner, findings: Findings
) -> tuple[Pair, ...]:
    """Pairs with clean texts, whose `doc_id` is one of `known` or None."""
    kept = set()
    for pair in pairs:
        query = cleaner.clean(pair.query, of="pairs")
        positive = cleaner.clean(pair.positive or "", of="pairs") or None
        clean = Pair(query, positive, pair.doc_id if pair.doc_id in known else None)
        why = _why_not(clean, pair) or ("came twice" if clean in kept else None)
        if why:
            findings.drop("pairs", why, example=f"{query}: {positive or pair.doc_id}")
            continue
        if pair.doc_id and not clean.doc_id:
            why = "the document is unknown; its text is learnt from"
            findings.change("pairs", why, example=pair.doc_id)
        kept.add(clean)
    return tuple(sorted(kept, key=lambda one: (one.query, one.positive or "", one.doc_id or "")))


def clean_triplets(
    triplets: Iterable[Triplet], *, cleaner: Cleaner, findings: Findings
) -> tuple[Triplet, ...]:
    """Triplets with clean texts."""
    kept: dict[tuple[str, ...], Triplet] = {}
    for triplet in triplets:
        given = (triplet.query, triplet.positive, triplet.negative)
        texts = tuple(cleaner.clean(text, of="triplets") for text in given)
        if not all(texts):
            findings.drop("triplets", "a text is empty", example=" / ".join(texts))
        elif texts in kept:
            findings.drop("triplets", "came twice", example=" / ".join(texts))
        else:
            kept[texts] = Triplet(*texts)
    return tuple(kept[texts] for texts in sorted(kept))


def clean_scored(
    scored: Iterable[ScoredPair], *, cleaner: Cleaner, findings: Findings
) -> tuple[ScoredPair, ...]:
    """Scored pairs with clean texts; of several scores of the same texts the highest."""
    kept: dict[tuple[str, str], ScoredPair] = {}
    for pair in sorted(scored, key=lambda one: -one.score):
        texts = cleaner.clean(pair.query, of="scores"), cleaner.clean(pair.document, of="scores")
        if not all(texts):
            findings.drop("scores", "a text is empty", example=" / ".join(texts))
        elif texts not in kept:
            kept[texts] = ScoredPair(*texts, pair.score)
        elif kept[texts].score == pair.score:
            findings.drop("scores", "came twice", example=" / ".join(texts))
        else:
            findings.drop("scores", "another one has a higher score", example=" / ".join(texts))
    return tuple(kept[texts] for texts in sorted(kept))


def _why_not(clean: Pair, given: Pair) -> str | None:
    if not clean.query:
        return "a text is empty"
    if clean.positive or clean.doc_id:
        return None
    return "a text is empty" if given.doc_id is None else "of an unknown document"
