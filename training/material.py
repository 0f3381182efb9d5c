"""Material: what a run is made from, a base checkpoint and the data of a collection.

Owns how a home's catalog and further files become a dataset. Trains nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from molt.encoder import Checkpoint
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.judging.split_name import SplitName
from molt.training.data.card import DataCard
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Dataset
from molt.training.data.prepare import prepare
from molt.training.data.raw import combine
from molt.training.data.sources import read_collection, read_files
from molt.training.evaluation.measurement import Trial


@dataclass(frozen=True)
class Prepared:
    """A collection's data as training sees it, and the card that tells how it came to be."""

    collection: str
    dataset: Dataset
    card: DataCard

    def trial(self, split: SplitName) -> Trial:
        """What checkpoints are measured on: a split's queries against the whole corpus."""
        dataset = self.dataset
        splits = {
            SplitName.TRAIN: dataset.train,
            SplitName.DEV: dataset.dev,
            SplitName.TEST: dataset.test,
        }
        return Trial(
            collection=self.collection,
            corpus=dataset.corpus,
            split=splits[split],
            train=None if split is SplitName.TRAIN else dataset.train,
            digest=dataset.digest,
            data_card=self.card.to_json(),
        )


@dataclass(frozen=True)
class Material(Prepared):
    """What is trained, and the checkpoint that it starts from."""

    base: Checkpoint


def prepare_collection(
    catalog: Catalog,
    name: str,
    *,
    config: DataConfig,
    files: Sequence[Path] = (),
    wanted: Collection[SplitName] = tuple(SplitName),
) -> Prepared:
    """Clean and split a collection's data, together with what `files` hold.

    Only the splits that are `wanted` have to hold a query. Raises `CollectionNotFoundError`,
    and `TrainingError` for data that cannot be used.
    """
    raw = combine(read_collection(catalog, name), read_files(files))
    return Prepared(name, *prepare(raw, config=config, wanted=wanted))


def with_base(prepared: Prepared, base: Checkpoint) -> Material:
    """Prepared data, and where to start."""
    return Material(prepared.collection, prepared.dataset, prepared.card, base)


def data_configs(
    name: str, checkpoints: Iterable[Checkpoint], *, otherwise: DataConfig
) -> dict[DataConfig, list[str]]:
    """How a collection's data was prepared to train the checkpoints, each with their ids.

    `otherwise` where none was trained on it. More than one means that queries which test one
    checkpoint may have taught another.
    """
    found: dict[DataConfig, list[str]] = {}
    for checkpoint in checkpoints:
        if checkpoint.data.get("collection") == name:
            config = DataConfig.model_validate(checkpoint.training.get("data", {}))
            found.setdefault(config, []).append(checkpoint.id)
    return found or {otherwise: []}


def overlaps(configs: Mapping[DataConfig, Sequence[str]]) -> list[str]:
    """What to tell of checkpoints that were not trained with the first of these configurations."""
    first, *others = configs
    return [
        f"{', '.join(configs[config])} may have learnt from queries of this split: it was trained "
        f"with another configuration of data than {', '.join(configs[first])}"
        for config in others
    ]
