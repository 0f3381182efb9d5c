"""What a model is inspected on: documents, and pairs of a query and a document that answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from molt.index.catalog.document import Document
from molt.training.evaluation.measurement import Trial
from molt.training.export.probe import probe_set


@dataclass(frozen=True)
class JudgedPair:
    """A query, and the row of a document that was judged to be relevant."""

    query: str
    row: int


@dataclass(frozen=True)
class InspectedCorpus:
    """Documents, of each the passage that is encoded, and judged pairs among them.

    `of` is what people know it as.
    """

    of: str
    documents: tuple[Document, ...]
    texts: tuple[str, ...]
    pairs: tuple[JudgedPair, ...]

    @cached_property
    def _relevant(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for one in self.pairs:
            found.setdefault(one.query, set()).add(one.row)
        return found

    @property
    def queries(self) -> Sequence[str]:
        """Each once, in the order of the pairs."""
        return [*self._relevant]

    def relevant_to(self, query: str) -> set[int]:
        """The rows of the documents that were judged to be relevant."""
        return self._relevant.get(query, set())


def built_in_corpus() -> InspectedCorpus:
    """The probe set, for who names no collection. Raises as `probe_set`."""
    probe = probe_set()
    documents = [Document(f"probe-{at}", text) for at, text in enumerate(probe.documents)]
    pairs = [JudgedPair(*one) for one in zip(probe.queries, probe.answers, strict=True)]
    return InspectedCorpus("the built-in texts", tuple(documents), probe.documents, tuple(pairs))


def sampled_corpus(trial: Trial, *, most: int, seed: int) -> InspectedCorpus:
    """Up to `most` documents of a collection, those first that answer a query of the split."""
    rows = {document.id: row for row, document in enumerate(trial.corpus.documents)}
    judged = [
        (query.text, rows[doc_id])
        for query in trial.queries
        for doc_id, grade in trial.split.qrels[query.id].items()
        if grade > 0 and doc_id in rows
    ]
    answering = [*dict.fromkeys(row for _, row in judged)][:most]
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    chosen = sorted([*dict.fromkeys([*answering, *order])][:most])
    places = {row: at for at, row in enumerate(chosen)}
    return InspectedCorpus(
        f"the collection {trial.collection} of {len(rows):,}",
        tuple(trial.corpus.documents[row] for row in chosen),
        tuple(trial.corpus.texts[row] for row in chosen),
        tuple(JudgedPair(query, places[row]) for query, row in judged if row in places),
    )
