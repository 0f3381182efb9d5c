from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from tests.engine.watch.experiments.shop import fill, opened


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A process over `shop`, which two generations served in turn; no thread of it is started."""
    with closing(opened(tmp_path)) as engine:
        fill(engine)
        yield engine
