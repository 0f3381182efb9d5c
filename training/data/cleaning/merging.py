"""Merging: queries of train that ask the same become one."""

from collections import defaultdict
from collections.abc import Mapping

from molt.training.data.cleaning.findings import Findings
from molt.training.data.cleaning.near import NearIndex

_Grades = dict[str, dict[str, int]]


def merge_queries(
    grades: _Grades, *, keys: Mapping[str, str], threshold: float, findings: Findings
) -> _Grades:
    """Equal queries with the judgments of all, less the near-duplicates that add nothing.

    Where equal queries disagree about a document, the highest grade stays. A near-duplicate adds
    nothing where another query has all of its judgments; one with an answer of its own stays.
    """
    merged = _merge_equal(grades, keys, findings)
    twins = _Twins(merged, keys, threshold)
    for query_id in sorted(merged):
        other = twins.find(query_id)
        if other is not None:
            del merged[query_id]
            why = "nearly the same as another one that has all of its judgments"
            example = f"{keys[query_id][:78]} ~ {keys[other][:78]}"
            findings.drop("queries of train", why, example=example)
    return merged


class _Twins:
    """Queries by the documents that they share: only such a one can say all that another says."""

    def __init__(self, merged: _Grades, keys: Mapping[str, str], threshold: float) -> None:
        self._merged = merged
        self._keys = keys
        self._ids = {keys[query_id]: query_id for query_id in merged}
        judging: dict[str, list[str]] = defaultdict(list)
        for query_id in sorted(merged):
            for doc_id in merged[query_id]:
                judging[doc_id].append(keys[query_id])
        self._near = {
            doc_id: NearIndex(found, threshold=threshold)
            for doc_id, found in judging.items()
            if len(found) > 1
        }

    def find(self, query_id: str) -> str | None:
        """A query, still there, that is near and has all judgments of this one."""
        own = self._merged[query_id]
        near = self._near.get(min(own))
        others = (self._ids[key] for key in near.find(self._keys[query_id])) if near else ()
        return next((one for one in others if one != query_id and self._says(one, own)), None)

    def _says(self, query_id: str, grades: Mapping[str, int]) -> bool:
        return query_id in self._merged and grades.items() <= self._merged[query_id].items()


def _merge_equal(grades: _Grades, keys: Mapping[str, str], findings: Findings) -> _Grades:
    merged: _Grades = {}
    first: dict[str, str] = {}
    for query_id in sorted(grades):
        own = first.setdefault(keys[query_id], query_id)
        if own != query_id:
            why = "the same as another one; merged with it"
            findings.drop("queries of train", why, example=f"{query_id} into {own}")
        kept = merged.setdefault(own, {})
        for doc_id, grade in grades[query_id].items():
            known = kept.get(doc_id, grade)
            if known != grade:
                why = "another one of an equal query has a higher grade"
                example = f"{doc_id} for {keys[query_id]}: {known} and {grade}"
                findings.drop("judgments", why, example=example)
            kept[doc_id] = max(known, grade)
    return merged
