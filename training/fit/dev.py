"""The dev split during a run: nDCG@10 by real retrieval with the learner's weights.

Over the whole corpus where it is small. Of a large one a sample takes part: every document judged
for a dev query, those that the base ranks best, and others at random. All epochs, and the base,
are measured against the same documents, so their values compare with each other, not with those
of a report.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.base.model import BaseModel

from molt.encoder import InputType
from molt.engine.runs import rank
from molt.training.data.dataset import Corpus, Split
from molt.training.evaluation.measures import PRIMARY, measure
from molt.training.fit.embedding import Embedding, LearnerEmbedding, Vectors
from molt.training.fit.learner import Learner

METRIC = "ndcg10"
_DEPTH = 10
_RANKED = 20


@dataclass(frozen=True)
class DevSet:
    """Dev queries, and the documents against which they are ranked."""

    split: Split
    corpus: Corpus

    def ndcg10(self, embedding: Embedding) -> float:
        """Mean nDCG@10 of the queries."""
        asked = list(self.split.queries.values())
        queries = embedding([query.text for query in asked], InputType.QUERY)
        documents = embedding(self.corpus.texts, InputType.DOCUMENT)
        run = rank(queries, documents, query_ids=[query.id for query in asked], depth=_DEPTH)
        doc_ids = [document.id for document in self.corpus.documents]
        return float(measure(run, doc_ids=doc_ids, qrels=self.split.qrels)[PRIMARY].mean())


class DevEvaluator(BaseEvaluator):
    """What the trainer calls after each epoch."""

    def __init__(self, dev: DevSet) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = METRIC
        self._dev = dev

    def __call__(self, model: BaseModel, *_: object, **__: object) -> dict[str, float]:
        """The metric of the model as it is."""
        if not isinstance(model, Learner):
            raise TypeError(f"a learner is evaluated, not a {type(model).__name__}")
        return {METRIC: self._dev.ndcg10(LearnerEmbedding(model))}


def sample_dev(  # noqa: PLR0913  each by name
    dev: Split, corpus: Corpus, *, documents: Vectors, queries: Vectors, size: int, seed: int
) -> DevSet:
    """The dev set with at most about `size` documents.

    `documents` `(m, dim)` and `queries` `(n, dim)` are the base's vectors, in the order of the
    corpus and of the split. Judged documents are always kept, even where they are more.
    """
    if len(corpus.texts) <= size:
        return DevSet(dev, corpus)
    judged = {doc_id for grades in dev.qrels.values() for doc_id in grades}
    kept = {place for place, one in enumerate(corpus.documents) if one.id in judged}
    best = rank(queries, documents, query_ids=list(dev.queries), depth=_RANKED).rows
    random = np.random.default_rng(seed)
    for place in (*best.T.ravel().tolist(), *random.permutation(len(corpus.texts)).tolist()):
        if len(kept) >= size:
            break
        kept.add(place)
    return DevSet(dev, _subset(corpus, sorted(kept)))


def _subset(corpus: Corpus, places: Sequence[int]) -> Corpus:
    return Corpus(
        documents=tuple(corpus.documents[place] for place in places),
        texts=tuple(corpus.texts[place] for place in places),
    )
