"""A tiny checkpoint, and a dataset small enough to learn in seconds: letters among noise."""

from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.training.data.dataset import Corpus, Dataset, Example, Split, Task, TaskKind
from tests.training import models

LETTERS = "abcdefghijklmnop"
NOISE = list("qrstuvwxyz")


@pytest.fixture(scope="session")
def base() -> Checkpoint:
    """The tiny model with weights so small that it is little more than a bag of letters.

    It is made once on a machine. Never write into it: other runs share it.
    """
    from tests.conftest import cache_home, cache_key, forget_unused  # noqa: PLC0415 - it loads this

    digest = sha256(Path(__file__).read_bytes() + Path(models.__file__).read_bytes()).hexdigest()
    folder = cache_home() / f"{cache_key()}-letters-{digest[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    store = CheckpointStore(folder / "checkpoints")
    with (folder / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not store.ids():
            forget_unused()
            make_base(store)
    (made,) = store.ids()
    return store.open(made)


def make_base(store: CheckpointStore) -> None:
    """Put it into a store."""
    from molt.training.export import openvino  # noqa: PLC0415 - loads torch, which few tests need
    from molt.training.export.checkpoints import make_checkpoint  # noqa: PLC0415

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        model = models.write_model(Path(folder))
        weights = load_file(model / "model.safetensors")
        smaller = {
            name: weight / 25 if weight.ndim == 2 and "word_embeddings" not in name else weight
            for name, weight in weights.items()
        }
        save_file(smaller, model / "model.safetensors", metadata={"format": "pt"})
        patch.setattr(openvino, "openvino_available", lambda: False)
        make_checkpoint(model, store=store)


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
