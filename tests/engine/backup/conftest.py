"""A home with a collection and two generations of it, whose checkpoint is a real, tiny one."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.backup.backup import Done, back_up
from molt.engine.backup.repository import Repository
from molt.engine.engine import Engine
from molt.engine.settings import Settings, load_settings
from tests.engine.backup.homes import fill, open_home


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """Made once; each test copies it."""
    home = tmp_path_factory.mktemp("filled") / "home"
    shutil.copytree(tiny_checkpoint, home / "checkpoints" / tiny_checkpoint.name)
    with closing(open_home(home)) as engine:
        fill(engine, checkpoint=tiny_checkpoint.name)
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "home"))


@pytest.fixture
def settings(home: Path) -> Settings:
    return load_settings(home=home)


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    with closing(open_home(home)) as engine:
        yield engine


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "backups")


@pytest.fixture
def done(settings: Settings, repository: Repository) -> Done:
    """A backup of the home."""
    return back_up(settings, repository)
