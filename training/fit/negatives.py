"""Hard negatives: documents that rank high for a query and are not known to answer it.

A document is never taken for a query that anyone judged it relevant to, nor when its text is that
of a positive, nor when it scores so near the positive that it may well be one that nobody judged
(Moreira et al. 2024, NV-Retriever, section 3: a limit relative to the positive's score).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.encoder import InputType
from molt.index.segments.exact import Ranked, Vectors, search_exactly
from molt.training.data.dataset import Corpus, Example, Split, Task
from molt.training.fit.config import NegativesConfig
from molt.training.fit.embedding import Embedding


@dataclass(frozen=True)
class Mined:
    """For each example `documents` `(n, per_query) int64`, places in the corpus, hardest first.

    `difficulty` `(n,) float32` is the hardest one's score less the positive's: high is hard.
    """

    documents: npt.NDArray[np.int64]
    difficulty: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Knowledge:
    """Places of the documents that each query's text was judged with."""

    relevant: Mapping[str, frozenset[int]]
    irrelevant: Mapping[str, frozenset[int]]


def knowledge_of(train: Split, tasks: Sequence[Task], corpus: Corpus) -> Knowledge:
    """What judgments and pairs say, by the text of the query."""
    places = {document.id: place for place, document in enumerate(corpus.documents)}
    relevant: dict[str, set[int]] = {}
    irrelevant: dict[str, set[int]] = {}
    for query_id, grades in train.qrels.items():
        text = train.queries[query_id].text
        for doc_id, grade in grades.items():
            if doc_id in places:
                known = relevant if grade > 0 else irrelevant
                known.setdefault(text, set()).add(places[doc_id])
    for example in (example for task in tasks for example in task.examples):
        if example.doc_id in places and example.score > 0:
            relevant.setdefault(example.query, set()).add(places[example.doc_id])
    return Knowledge(
        relevant={text: frozenset(known) for text, known in relevant.items()},
        irrelevant={
            text: frozenset(known - relevant.get(text, set())) for text, known in irrelevant.items()
        },
    )


def mine(  # noqa: PLR0913  each by name
    examples: Sequence[Example],
    *,
    corpus: Corpus,
    documents: Vectors,
    embedding: Embedding,
    knowledge: Knowledge,
    config: NegativesConfig,
    seed: int,
) -> Mined:
    """Negatives for every example. `documents` `(m, dim)` are the corpus' vectors by `embedding`.

    Where the guards leave too few, documents drawn at random fill up.
    """
    miner = _Miner(corpus, documents, knowledge, config, np.random.default_rng(seed))
    queries = embedding([example.query for example in examples], InputType.QUERY)
    positives = _positives(examples, corpus, documents, embedding)
    scores = np.einsum("ij,ij->i", queries, positives)
    found = np.empty((len(examples), config.per_query), np.int64)
    difficulty = np.empty(len(examples), np.float32)
    for at, example in enumerate(examples):
        found[at] = miner.choose(example, queries[at], score=float(scores[at]))
        difficulty[at] = (documents[found[at]] @ queries[at]).max(initial=-1) - scores[at]
    return Mined(documents=found, difficulty=difficulty)


def _positives(
    examples: Sequence[Example], corpus: Corpus, documents: Vectors, embedding: Embedding
) -> Vectors:
    """The vector of each example's text; those that the corpus holds are there already."""
    places = {text: place for place, text in enumerate(corpus.texts)}
    texts = [example.document for example in examples]
    others = list(dict.fromkeys(text for text in texts if text not in places))
    places |= {text: len(documents) + at for at, text in enumerate(others)}
    if others:
        documents = np.concatenate([documents, embedding(others, InputType.DOCUMENT)])
    return documents[[places[text] for text in texts]]


class _Miner:
    """One round of mining; remembers what it ranked, since a query comes with every positive."""

    def __init__(
        self,
        corpus: Corpus,
        documents: Vectors,
        knowledge: Knowledge,
        config: NegativesConfig,
        random: np.random.Generator,
    ) -> None:
        self._corpus = corpus
        self._documents = documents
        self._knowledge = knowledge
        self._config = config
        self._random = random
        self._ranked: dict[str, Ranked] = {}

    def choose(self, example: Example, query: Vectors, *, score: float) -> list[int]:
        """As many places as are wanted, the hardest first."""
        relevant = self._knowledge.relevant.get(example.query, frozenset())
        chosen = self._allowed(example, query, limit=score - abs(score) * self._config.margin)
        chosen = chosen[: self._config.per_query]
        others = len(self._corpus.texts) > len(relevant)
        while len(chosen) < self._config.per_query:
            place = int(self._random.integers(len(self._corpus.texts)))
            if place not in relevant or not others:
                chosen.append(place)
        return chosen

    def _allowed(self, example: Example, query: Vectors, *, limit: float) -> list[int]:
        relevant = self._knowledge.relevant.get(example.query, frozenset())
        irrelevant = self._knowledge.irrelevant.get(example.query, frozenset())
        if example.query not in self._ranked:
            ranked = search_exactly(self._documents, query, k=self._config.depth)
            self._ranked[example.query] = ranked
        ranked = self._ranked[example.query]
        return [
            place
            for place, score in zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True)
            if place not in relevant
            and self._corpus.texts[place] != example.document
            and (place in irrelevant or score <= limit)
        ]
