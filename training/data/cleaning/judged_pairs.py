"""Judged pairs: where nobody judged anything, a pair that names its document is a judgment."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b

from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.training.data.cleaning.clean import CleanData
from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.text import text_key

_GRADE = 1


def judge_by_pairs(data: CleanData, *, findings: Findings) -> CleanData:
    """The pairs that name a document as queries with judgments of grade 1; the others stay pairs.

    Equal queries become one, whose id is a hash of its text.
    """
    named = [pair for pair in data.pairs if pair.doc_id is not None]
    queries: dict[str, Query] = {}
    judgments: dict[tuple[str, str], Judgment] = {}
    for query_id, pair, doc_id in _identified(named):
        queries.setdefault(query_id, Query(query_id, pair.query))
        judgments.setdefault((query_id, doc_id), Judgment(query_id, doc_id, _GRADE))
        why = "taken as a judgment, as there are no others"
        findings.change("pairs", why, example=f"{doc_id} for {pair.query}")
    return replace(
        data,
        queries=queries,
        judgments=tuple(judgments[key] for key in sorted(judgments)),
        pairs=tuple(pair for pair in data.pairs if pair.doc_id is None),
    )


def _identified(pairs: Iterable[Pair]) -> Iterable[tuple[str, Pair, str]]:
    for pair in pairs:
        if pair.doc_id is not None:
            digest = blake2b(text_key(pair.query).encode(), digest_size=8)
            yield f"pair-{digest.hexdigest()}", pair, pair.doc_id
