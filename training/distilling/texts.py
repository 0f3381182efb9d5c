"""Texts: what a collection has to learn from and to be measured on, judged queries or none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.catalog.catalog import Catalog
from molt.training.data.cleaning import clean_raw
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Dataset
from molt.training.data.digest import digest_records
from molt.training.data.findings import Findings
from molt.training.data.prepare import prepare
from molt.training.data.raw import RawData
from molt.training.data.sources import read_collection
from molt.training.errors import DataError, LeakageError
from molt.training.material import Prepared

_FEWEST = 20
_HELD_OUT = 500
_LEAST_HELD_OUT = 5


@dataclass(frozen=True)
class Texts:
    """Distinct texts, by what they are to the search."""

    queries: tuple[str, ...]
    documents: tuple[str, ...]

    @property
    def digest(self) -> str:
        """A SHA-256 of all of them."""
        return digest_records([*self.queries, None, *self.documents])


@dataclass(frozen=True)
class Reading:
    """A collection's texts; `judged` is None where no test split can be had, `reason` says why."""

    collection: str
    texts: Texts
    judged: Prepared | None
    reason: str | None = None


def read_texts(catalog: Catalog, name: str, *, config: DataConfig) -> Reading:
    """Every document, and the queries of the train split; where there are no splits, every query.

    Raises `CollectionNotFoundError`, and `DataError` where there are too few.
    """
    raw = read_collection(catalog, name)
    try:
        prepared = Prepared(name, *prepare(raw, config=config))
    except LeakageError:
        raise
    except DataError as error:
        return Reading(name, _enough(_all(raw, config)), None, str(error))
    return Reading(name, _enough(_learnable(prepared.dataset)), prepared)


def split_texts(texts: Texts, *, limit: int, seed: int) -> tuple[Texts, Texts]:
    """At most `limit` of them at random, queries up to half of that: to learn from, and held out.

    A twentieth is held out, of documents at least five.
    """
    random = np.random.default_rng(seed)
    queries = _drawn(texts.queries, limit // 2, random)
    documents = _drawn(texts.documents, limit - len(queries), random)
    asked = min(_HELD_OUT, len(queries) // 20)
    read = max(_LEAST_HELD_OUT, min(_HELD_OUT, len(documents) // 20))
    held_out = Texts(queries[:asked], documents[:read])
    return Texts(queries[asked:], documents[read:]), held_out


def _learnable(dataset: Dataset) -> Texts:
    asked = [query.text for query in dataset.train.queries.values()]
    asked += [example.query for task in dataset.tasks for example in task.examples]
    return Texts(_distinct(asked), _distinct(dataset.corpus.texts))


def _all(raw: RawData, config: DataConfig) -> Texts:
    clean = clean_raw(raw, config=config, findings=Findings())
    queries = _distinct(query.text for query in clean.queries.values())
    return Texts(queries, _distinct(clean.corpus.texts))


def _enough(texts: Texts) -> Texts:
    if len(texts.documents) < _FEWEST:
        raise DataError(
            f"there are {len(texts.documents)} documents to learn from; bring {_FEWEST} or more"
        )
    return texts


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _drawn(texts: Sequence[str], size: int, random: np.random.Generator) -> tuple[str, ...]:
    return tuple(texts[place] for place in random.permutation(len(texts))[:size])
