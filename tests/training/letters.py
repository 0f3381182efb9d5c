"""A home with the collection `letters`, which a tiny checkpoint can learn in seconds."""

from contextlib import closing
from pathlib import Path
from shutil import copytree

from molt.encoder import Checkpoint
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.judgments import Judgment
from molt.training.data.dataset import Dataset

FAST = (
    "run.epochs=2", "run.batch_size=8", "run.precision=fp32", "run.device=cpu",
    "optimiser.learning_rate=3e-3", "data.near_duplicate=1.0",
)  # fmt: skip


def write_letters(home: Path, *, base: Checkpoint, dataset: Dataset) -> None:
    """Make `home` hold the base as its default, and the dataset as a collection."""
    copytree(base.path, home / "checkpoints" / base.id)
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.aliases.set("default", base.id)
        collection = catalog.collections.create("letters")
        catalog.documents.upsert(collection, dataset.corpus.documents)
        for name in ("train", "dev", "test"):
            split = getattr(dataset, name)
            catalog.judgments.put(
                collection,
                queries=list(split.queries.values()),
                judgments=[
                    Judgment(query_id, doc_id, grade, split=name)
                    for query_id, grades in split.qrels.items()
                    for doc_id, grade in grades.items()
                ],
            )
