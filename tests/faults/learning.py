"""A home whose collection a job learns from in seconds, and the processes that run over it."""

from contextlib import closing
from pathlib import Path

import pytest

from molt.encoder import Checkpoint
from molt.training.config import TrainConfig, read_as
from molt.training.data.dataset import Dataset
from tests.faults.homes import opened
from tests.faults.swapping import armed
from tests.training.letters import FAST, write_letters

__all__ = ["CONFIG", "environment", "home"]

CONFIG = read_as(TrainConfig, None, settings=FAST).model_dump(mode="json", exclude_none=True)


@pytest.fixture
def home(tmp_path: Path, base: Checkpoint, dataset: Dataset) -> Path:
    """A home with the collection `letters`, indexed, and no NNCF for what runs over it."""
    (tmp_path / "fired").mkdir()
    (tmp_path / "site").mkdir()
    hiding = "import sys\nsys.modules['nncf'] = None\n"  # its calibration takes minutes
    (tmp_path / "site" / "sitecustomize.py").write_text(hiding)
    home = tmp_path / "home"
    home.mkdir()
    write_letters(home, base=base, dataset=dataset)
    with closing(opened(home, seal=True)) as engine:
        engine.start()
        revision = engine.catalog.collections.get("letters").revision
        assert engine.live_collections.wait_indexed("letters", revision=revision, timeout=60)
    return home


def environment(home: Path, **points: str) -> dict[str, str]:
    """As `armed`, without NNCF."""
    return armed(home, **points) | {"PYTHONPATH": str(home.parent / "site")}
