"""A home whose collection a job learns from in seconds, and the processes that run over it."""

import os
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest

from molt.encoder import Checkpoint
from molt.training.config import TrainConfig, read_as
from tests.faults.homes import opened
from tests.faults.swapping import armed
from tests.training.learning import make_dataset
from tests.training.letters import FAST, write_letters

__all__ = ["CONFIG", "environment", "home", "letters"]

CONFIG = read_as(TrainConfig, None, settings=FAST).model_dump(mode="json", exclude_none=True) | {
    "evaluation": {"mode": "dense"}  # words alone find every letter
}


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory, base: Checkpoint) -> Path:
    """A home with the collection `letters`, indexed; each test copies it."""
    home = tmp_path_factory.mktemp("letters")
    write_letters(home, base=base, dataset=make_dataset())
    with closing(opened(home, seal=True)) as engine:
        engine.start()
        revision = engine.catalog.collections.get("letters").revision
        assert engine.live_collections.wait_indexed("letters", revision=revision, timeout=60)
        engine.jobs.list()
    return home


@pytest.fixture
def home(tmp_path: Path, letters: Path) -> Path:
    """A copy of `letters`, and no NNCF for what runs over it."""
    (tmp_path / "fired").mkdir()
    (tmp_path / "site").mkdir()
    hiding = "import sys\nsys.modules['nncf'] = None\n"  # its calibration takes minutes
    (tmp_path / "site" / "sitecustomize.py").write_text(hiding)
    return Path(copytree(letters, tmp_path / "home"))


def environment(home: Path, **points: str) -> dict[str, str]:
    """As `armed`, without NNCF."""
    armed_so = armed(home, **points)
    paths = [str(home.parent / "site"), *filter(None, [armed_so.get("PYTHONPATH")])]
    return armed_so | {"PYTHONPATH": os.pathsep.join(paths)}
