"""The tiny checkpoint as a teacher of the letters, whose queries are judged."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.catalog import home_url, open_catalog
from molt.training.data.dataset import Dataset
from molt.training.distilling.config import DistilConfig, FewerLayers, Shape
from molt.training.distilling.recipe import Recipe
from molt.training.distilling.texts import read_texts
from molt.training.export import openvino
from tests.training.letters import write_letters

FAST = {"epochs": 2, "batch_size": 16, "precision": "fp32", "device": "cpu", "learning_rate": 3e-3}

ONE_LAYER = FewerLayers(1)

Cook = Callable[..., Recipe]


@pytest.fixture(autouse=True)
def onnx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)


@pytest.fixture
def home(tmp_path: Path, base: Checkpoint, dataset: Dataset) -> Home:
    """Holds the teacher and the collection `letters`."""
    write_letters(tmp_path, base=base, dataset=dataset)
    return Home(tmp_path)


@pytest.fixture
def store(home: Home) -> CheckpointStore:
    return CheckpointStore(home.checkpoints)


@pytest.fixture
def cook(home: Home, base: Checkpoint) -> Cook:
    """Makes recipes of the letters: into one layer, unless told otherwise."""

    def make(shape: Shape = ONE_LAYER, **distil: Any) -> Recipe:
        body = {"distil": FAST | distil, "data": {"near_duplicate": 1.0}}
        config = DistilConfig.model_validate(body)
        with closing(open_catalog(home_url(home.root))) as catalog:
            reading = read_texts(catalog, "letters", config=config.data)
        return Recipe(reading, base, shape, config)

    return make
