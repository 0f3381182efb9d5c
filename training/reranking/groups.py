"""Groups: a query with a text that answers it and others that do not, as a cross-encoder learns.

The others are mined with the collection's encoder, whose candidates it will have to tell apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from molt.encoder import Encoder
from molt.encoder.vector_cache import encode_documents
from molt.training.data.dataset import Dataset, Example, TaskKind
from molt.training.errors import FitError
from molt.training.fit.config import FitConfig
from molt.training.fit.embedding import EncoderEmbedding
from molt.training.fit.negatives import knowledge_of, mine


@dataclass(frozen=True)
class PairGroup:
    """A query and texts, of which the first one answers it."""

    query: str
    texts: tuple[str, ...]


def make_groups(
    dataset: Dataset, encoder: Encoder, *, config: FitConfig, cache: Path
) -> list[PairGroup]:
    """A group for each positive of the dataset's tasks. Raises `FitError` where there is none."""
    examples = list(_positives(dataset))
    if not examples:
        raise FitError(
            "nothing to learn from: a cross-encoder needs queries with texts that answer them; "
            "import judgments or pairs"
        )
    negatives = config.negatives.model_copy(update={"per_query": config.cross_encoder.negatives})
    mined = mine(
        examples,
        corpus=dataset.corpus,
        documents=encode_documents(encoder, dataset.corpus.texts, cache=cache),
        embedding=EncoderEmbedding(encoder),
        knowledge=knowledge_of(dataset.train, dataset.tasks, dataset.corpus),
        config=negatives,
        seed=config.run.seed,
    )
    texts = dataset.corpus.texts
    return [
        PairGroup(example.query, (example.document, *_others(example, [texts[at] for at in found])))
        for example, found in zip(examples, mined.documents.tolist(), strict=True)
    ]


def _positives(dataset: Dataset) -> Iterator[Example]:
    """Examples of an answer; those with a degree of relevance only where there are no others."""
    plain = [task for task in dataset.tasks if task.kind is not TaskKind.SCORED]
    for task in plain or dataset.tasks:
        yield from (example for example in task.examples if example.score > 0)


def _others(example: Example, mined: list[str]) -> list[str]:
    """As many as were mined; the one that the data names comes first."""
    if example.negative is None:
        return mined
    return [example.negative, *(text for text in mined if text != example.negative)][: len(mined)]
