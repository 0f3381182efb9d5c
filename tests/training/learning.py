"""A tiny checkpoint, and a dataset small enough to learn in seconds: letters among noise."""

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from molt.artifact import exclusive
from molt.artifact.lock import FOR_EVER
from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Corpus, Dataset, Example, Split, Task, TaskKind
from tests.training.models import write_model

LETTERS = "abcdefghijklmnop"
NOISE = list("qrstuvwxyz")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The tiny model with weights so small that it is little more than a bag of letters."""
    from molt.training.export import openvino  # noqa: PLC0415 - loads torch, which few tests need
    from molt.training.export.checkpoints import make_checkpoint  # noqa: PLC0415

    model = write_model(tmp_path_factory.mktemp("base"))
    weights = load_file(model / "model.safetensors")
    smaller = {
        name: weight / 25 if weight.ndim == 2 and "word_embeddings" not in name else weight
        for name, weight in weights.items()
    }
    save_file(smaller, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino, "openvino_available", lambda: False)
        folder = shared_folder(tmp_path_factory)
        with exclusive(folder / "base.lock", patience=FOR_EVER):
            return make_checkpoint(model, store=CheckpointStore(folder / "base"))


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """What every process of this run has in common."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def dataset() -> Dataset:
    """Every query is two letters, and its document those two among others that mean nothing."""
    return make_dataset()


def make_dataset() -> Dataset:
    """The same one each time."""
    random = np.random.default_rng(0)
    pairs = [(one, other) for one in LETTERS for other in LETTERS if one < other]
    documents = tuple(
        Document(id=f"d{at}", text=" ".join(random.permutation([*pair, *random.choice(NOISE, 4)])))
        for at, pair in enumerate(pairs)
    )
    queries = [Query(f"q{at}", " ".join(pair)) for at, pair in enumerate(pairs)]
    corpus = Corpus(documents, tuple(document.text for document in documents))
    splits = {"train": [], "dev": [], "test": []}
    for at in range(len(pairs)):
        splits["dev" if at % 6 == 0 else "test" if at % 6 == 3 else "train"].append(at)
    train, dev, test = (
        Split(
            {queries[at].id: queries[at] for at in chosen},
            {queries[at].id: {documents[at].id: 1} for at in chosen},
        )
        for chosen in splits.values()
    )
    examples = tuple(
        Example(queries[at].text, corpus.texts[at], query_id=f"q{at}", doc_id=f"d{at}")
        for at in splits["train"]
    )
    task = Task("judgments", TaskKind.POSITIVES, examples)
    return Dataset(corpus, train, dev, test, (task,), "0" * 64)
