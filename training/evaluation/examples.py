"""Examples: the queries that changed most, with what both rankings show for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Corpus, Qrels
from molt.training.evaluation.measures import QueryValues
from molt.training.evaluation.runs import Run

_SHOWN = 5
_ANSWERS = 3
_TITLE_CHARS = 160
_TEXT_CHARS = 280


@dataclass(frozen=True)
class RankedDocument:
    """A document as a ranking shows it; `grade` is None where nobody judged it."""

    doc_id: str
    title: str
    text: str
    grade: int | None


@dataclass(frozen=True)
class Answer:
    """A relevant document and its ranks, from 1; None beyond the depth of the run."""

    document: RankedDocument
    baseline_rank: int | None
    candidate_rank: int | None


@dataclass(frozen=True)
class RankingExample:
    """One query: nDCG@10 by both checkpoints, its most relevant documents, and both top fives."""

    query_id: str
    query: str
    baseline: float
    candidate: float
    answers: tuple[Answer, ...]
    baseline_top: tuple[RankedDocument, ...]
    candidate_top: tuple[RankedDocument, ...]


@dataclass(frozen=True)
class Pairing:
    """Two runs over the same queries, and the values `(n,)` that each got."""

    baseline: Run
    candidate: Run
    baseline_values: QueryValues
    candidate_values: QueryValues


class Examples:
    """Picks and shows queries of one trial."""

    def __init__(self, corpus: Corpus, *, queries: Sequence[Query], qrels: Qrels) -> None:
        self._corpus = corpus
        self._queries = queries
        self._qrels = qrels
        self._places = {document.id: row for row, document in enumerate(corpus.documents)}

    def most_improved(self, pairing: Pairing, *, n: int) -> tuple[RankingExample, ...]:
        """At most `n` queries that gained, the largest gain first."""
        return self._largest(pairing, pairing.candidate_values - pairing.baseline_values, n=n)

    def most_worsened(self, pairing: Pairing, *, n: int) -> tuple[RankingExample, ...]:
        """At most `n` queries that lost, the largest loss first."""
        return self._largest(pairing, pairing.baseline_values - pairing.candidate_values, n=n)

    def _largest(
        self, pairing: Pairing, change: QueryValues, *, n: int
    ) -> tuple[RankingExample, ...]:
        order = np.argsort(-change, kind="stable")[:n]
        return tuple(self._example(pairing, int(at)) for at in order if change[at] > 0)

    def _example(self, pairing: Pairing, at: int) -> RankingExample:
        query = self._queries[at]
        grades = self._qrels.get(query.id, {})
        relevant = [doc_id for doc_id in grades if grades[doc_id] > 0 and doc_id in self._places]
        best = sorted(relevant, key=lambda doc_id: (-grades[doc_id], doc_id))[:_ANSWERS]
        runs = (pairing.baseline, pairing.candidate)
        before, after = (
            tuple(self._shown(int(row), query) for row in run.rows[at, :_SHOWN] if row >= 0)
            for run in runs
        )
        return RankingExample(
            query_id=query.id,
            query=excerpt_of(query.text, chars=_TEXT_CHARS),
            baseline=float(pairing.baseline_values[at]),
            candidate=float(pairing.candidate_values[at]),
            answers=tuple(
                Answer(
                    self._shown(self._places[doc_id], query),
                    *(_rank(run, at, self._places[doc_id]) for run in runs),
                )
                for doc_id in best
            ),
            baseline_top=before,
            candidate_top=after,
        )

    def _shown(self, row: int, query: Query) -> RankedDocument:
        document = self._corpus.documents[row]
        return RankedDocument(
            doc_id=document.id,
            title=excerpt_of(document.title, chars=_TITLE_CHARS),
            text=excerpt_of(document.text, chars=_TEXT_CHARS),
            grade=self._qrels.get(query.id, {}).get(document.id),
        )


def excerpt_of(text: str, *, chars: int) -> str:
    """The beginning of a text on one line, at most `chars` long, of characters that UTF-8 has."""
    line = " ".join(text[: 4 * chars].split())
    line = line if len(line) <= chars else f"{line[: chars - 1].rstrip()}…"
    return line.encode("utf-8", "replace").decode("utf-8")


def _rank(run: Run, at: int, row: int) -> int | None:
    (found,) = np.nonzero(run.rows[at] == row)
    return int(found[0]) + 1 if len(found) else None
